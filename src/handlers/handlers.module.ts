import { Module } from '@nestjs/common';
import { SumGateway } from './sum.gateway.js';
import { TypingGateway } from './typing.gateway.js';

/** Your gateways: a new one is one file in this folder and one line here. */
@Module({
  providers: [
    TypingGateway, //
    SumGateway,
  ],
})
export class HandlersModule {}
