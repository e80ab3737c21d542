import { controlFrame, OPCODE } from '../../protocol/index.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** Replies to a ping within the message rate limit; one pong may answer several pings (RFC 6455, 5.5.3). */
export function replyToPing(socket: GatewaySocket, body: Uint8Array): void {
  const { session, sessionRateLimiter } = socket;
  if (sessionRateLimiter === undefined || sessionRateLimiter.tryTake(body.length))
    session?.send(controlFrame(OPCODE.pong, body), 0);
  else if (sessionRateLimiter.recordControlFrame()) socket.close(1008);
}

/** Charges a pong of so many bytes to the message rate limit, because a flood of pongs costs as much as any other. */
export function chargePong(socket: GatewaySocket, bytes: number): void {
  const { sessionRateLimiter } = socket;
  if (sessionRateLimiter?.tryTake(bytes) === false && sessionRateLimiter.recordControlFrame()) socket.close(1008);
}
