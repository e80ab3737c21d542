/** The router in stock Nest 12 on platform-ws, with a DTO and the ValidationPipe, as in its documentation. */
import { randomUUID } from 'node:crypto';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { IsOptional, IsString, Length } from 'class-validator';
import type { WebSocket } from 'ws';
import { host, port, ready } from './listen.js';

type Session = WebSocket & { id: string };

class Message {
  @IsString()
  @Length(1, 64)
  type!: string;

  @IsOptional()
  @IsString()
  sender?: string;

  @IsString()
  @Length(1, 128)
  receiver!: string;

  @IsOptional()
  data?: unknown;
}

@WebSocketGateway({ path: '/wss' })
class RouterGateway implements OnGatewayConnection<Session>, OnGatewayDisconnect<Session> {
  private readonly sessions = new Map<string, Session>();

  handleConnection(session: Session): void {
    session.id = randomUUID();
    this.sessions.set(session.id, session);
    session.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: session.id }));
  }

  @SubscribeMessage('direct')
  route(@MessageBody() message: Message, @ConnectedSocket() session: Session): void {
    message.sender = session.id;
    const text = JSON.stringify(message);
    if (message.receiver === '*') this.sendToOthers(session.id, text);
    else this.sessions.get(message.receiver)?.send(text);
  }

  handleDisconnect(session: Session): void {
    this.sessions.delete(session.id);
    this.sendToOthers(session.id, JSON.stringify({ type: 'sys.departed', sender: session.id, receiver: '*' }));
  }

  private sendToOthers(id: string, text: string): void {
    for (const [other, session] of this.sessions) if (other !== id) session.send(text);
  }
}

@Module({ providers: [RouterGateway] })
class RouterModule {}

/** Maps `type` on the wire to Nest's `event`; the handler gets the whole message. */
const messageParser = (bytes: { toString(): string }) => {
  const message = JSON.parse(bytes.toString());
  return { event: message.type, data: message };
};

const app = await NestFactory.create(RouterModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(new WsAdapter(app, { messageParser }));
app.useGlobalPipes(new ValidationPipe());
await app.listen(port, host);
ready();
