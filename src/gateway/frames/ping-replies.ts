import { controlFrame, OPCODE } from '../../protocol/index.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** Answers a ping while the session may still say something; one pong may answer several pings (RFC 6455, 5.5.3). */
export function answerPing(socket: GatewaySocket, body: Uint8Array): void {
  const { session, sessionRateLimiter } = socket;
  if (sessionRateLimiter === undefined || sessionRateLimiter.tryTake(body.length))
    session?.send(controlFrame(OPCODE.pong, body));
  else if (sessionRateLimiter.recordControlFrame()) socket.close(1008);
}

/** Counts a pong as what it is, something said: one a heartbeat is nothing, a flood of them is a flood. */
export function takePong(socket: GatewaySocket, bytes: number): void {
  const { sessionRateLimiter } = socket;
  if (sessionRateLimiter?.tryTake(bytes) === false && sessionRateLimiter.recordControlFrame()) socket.close(1008);
}
