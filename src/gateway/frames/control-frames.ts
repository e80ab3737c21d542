import { OPCODE } from '../../protocol/index.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { readPong, replyToPing } from './ping-replies.js';

const FINAL_PING = 0x80 | OPCODE.ping;
const FINAL_PONG = 0x80 | OPCODE.pong;
const MASKED = 0x80;
const MAX_CONTROL_BYTES = 125;

/** Returns the offset behind a whole, valid ping or pong at `at`; `at` where there is no such frame. */
export function controlFrameEnd(bytes: Buffer, at: number, chunkEnd: number): number {
  const first = bytes[at];
  if ((first !== FINAL_PING && first !== FINAL_PONG) || chunkEnd - at < 6) return at;
  const second = bytes[at + 1]!;
  const length = second & 0x7f;
  const end = at + 6 + length;
  return (second & MASKED) === 0 || length > MAX_CONTROL_BYTES || end > chunkEnd ? at : end;
}

/** Reads a ping or pong at `at` and returns the offset behind it; returns `at`, with no effect, where `ws` must read it. */
export function readControlFrame(socket: GatewaySocket, bytes: Buffer, at: number, chunkEnd: number): number {
  const end = controlFrameEnd(bytes, at, chunkEnd);
  if (end === at) return at;
  const isPong = bytes[at] === FINAL_PONG;
  // Liveness is already recorded; `ws` emits the event where the application has a listener.
  if (socket.listenerCount(isPong ? 'pong' : 'ping') > 0) return at;
  const body = Buffer.allocUnsafe(end - at - 6);
  for (let index = 0; index < body.length; index++) body[index] = bytes[at + 6 + index]! ^ bytes[at + 2 + (index & 3)]!;
  if (isPong) readPong(socket, body);
  else replyToPing(socket, body);
  return end;
}
