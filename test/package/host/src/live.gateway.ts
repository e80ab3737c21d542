import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { Length } from 'class-validator';
import type { WebSocket } from 'ws';

class Word {
  @Length(1, 5)
  word!: string;
}

/** A gateway of the host, with hooks and a broadcast. */
@WebSocketGateway({ path: '/live' })
export class LiveGateway implements OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer()
  private readonly server!: { readonly clients: ReadonlySet<WebSocket> };

  handleConnection(client: WebSocket): void {
    client.send(JSON.stringify({ event: 'hello', data: this.server.clients.size }));
  }

  handleDisconnect(): void {
    this.#broadcast('left');
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() { word }: Word): { event: string; data: string } {
    return { event: 'echoed', data: word };
  }

  @SubscribeMessage('fail')
  fail(): never {
    throw new WsException('not today');
  }

  @SubscribeMessage('shout')
  shout(@MessageBody() text: string): void {
    this.#broadcast(text);
  }

  #broadcast(text: string): void {
    for (const client of this.server.clients) client.send(JSON.stringify({ event: 'all', data: text }));
  }
}
