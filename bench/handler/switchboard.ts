/** The same handler and DTO in Switchboard. Compiled into dist/bench, so that it shares the modules of the server. */
import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { createApp, startApp } from '../../dist/standalone/app.js';
import { MessagingGateway } from '../../dist/gateway/nest/messaging-gateway.decorator.js';
import { Echo } from './echo.dto.js';

@MessagingGateway()
class EchoGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() echo: Echo): Echo {
    return echo;
  }
}

@Module({ providers: [EchoGateway] })
class EchoModule {}

await startApp(await createApp({ handlers: [EchoModule] }));
