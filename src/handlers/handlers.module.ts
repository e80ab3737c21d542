import { Module } from '@nestjs/common';
import { SumGateway } from './sum.gateway.js';
import { TypingGateway } from './typing.gateway.js';

/** Registers your gateways. A new gateway is one file in this folder and one line in this list. */
@Module({
  providers: [
    TypingGateway, //
    SumGateway,
  ],
})
export class HandlersModule {}
