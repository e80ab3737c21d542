import type { OnGatewayConnection, OnGatewayDisconnect } from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import { ABNORMAL } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { SessionSocket } from '../sessions/session-socket.js';
import { MessagingGateway } from './nest/messaging-gateway.decorator.js';

/** The WebSocket edge: turns socket events into calls on the registry, and holds no state of its own. */
@MessagingGateway()
export class SwitchboardGateway implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(private readonly sessions: SessionRegistry) {}

  /** Synchronous on purpose: frames are read as soon as this returns. */
  handleConnection(socket: SessionSocket, request: IncomingMessage): void {
    this.sessions.open(socket, request);
  }

  /** Ends the session once, whatever closed the socket, and tells the others. */
  handleDisconnect(socket: SessionSocket, code: string | number = ABNORMAL): void {
    this.sessions.close(socket, Number(code));
  }
}
