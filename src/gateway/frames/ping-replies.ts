import { controlFrame, OPCODE, type Frame } from '../../protocol/index.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** The body of the server's pings is their number. */
const PING_NUMBER_BYTES = 4;

/** Makes a ping whose pong shows what the client has read. @param number from 1 to 2^32 − 1 */
export function numberedPing(number: number): Frame {
  const body = Buffer.alloc(PING_NUMBER_BYTES);
  body.writeUInt32BE(number);
  return controlFrame(OPCODE.ping, body);
}

/** Replies to a ping within the message rate limit; one pong may answer several pings (RFC 6455, 5.5.3). */
export function replyToPing(socket: GatewaySocket, body: Uint8Array): void {
  const { session } = socket;
  const rateLimiter = session?.rateLimiter;
  if (rateLimiter === undefined || rateLimiter.tryTake(body.length)) session?.send(controlFrame(OPCODE.pong, body), 0);
  else if (rateLimiter.recordControlFrame()) socket.close(1008);
}

/** Records a pong and charges it to the message rate limit, because a flood of pongs costs as much as any other. */
export function readPong(socket: GatewaySocket, body: Buffer): void {
  const rateLimiter = socket.session?.rateLimiter;
  if (body.length === PING_NUMBER_BYTES) socket.pings?.answered(body.readUInt32BE());
  if (rateLimiter?.tryTake(body.length) === false && rateLimiter.recordControlFrame()) socket.close(1008);
}
