/** A handler with a DTO in stock Nest 12 with the ValidationPipe, the peer of the `handler` scenario. */
import { randomUUID } from 'node:crypto';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  type WsResponse,
} from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { Echo } from './echo.dto.js';
import { host, port, ready } from '../peers/listen.js';

@WebSocketGateway()
class EchoGateway implements OnGatewayConnection<WebSocket> {
  handleConnection(socket: WebSocket): void {
    socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: randomUUID() }));
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() echo: Echo): WsResponse<Echo> {
    return { event: 'echo', data: echo };
  }
}

@Module({ providers: [EchoGateway] })
class EchoModule {}

/** Maps `type` on the wire to Nest's `event`; the handler gets `data`, as in Switchboard. */
const messageParser = (bytes: { toString(): string }) => {
  const { type, data } = JSON.parse(bytes.toString());
  return { event: type, data };
};

const app = await NestFactory.create(EchoModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(new WsAdapter(app, { messageParser }));
app.useGlobalPipes(new ValidationPipe());
await app.listen(port, host);
ready();
