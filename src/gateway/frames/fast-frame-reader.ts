import { Injectable } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { FastRouter } from '../../messaging/fast-router.js';
import { EnvelopeScanner, maskAt, OPCODE, TEXT, type Envelope } from '../../protocol/index.js';
import { Settings } from '../../settings/settings.js';
import { answerPing, takePong } from './ping-replies.js';
import { FrameTracker } from './frame-tracker.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerTable } from '../dispatch/handler-table.js';
import { MessageDispatcher } from '../dispatch/message-dispatcher.js';

/** The first byte of a whole text frame: final, no reserved bits (RFC 6455, 5.2). */
const FINAL_TEXT = 0x80 | OPCODE.text;
const FINAL_PING = 0x80 | OPCODE.ping;
const FINAL_PONG = 0x80 | OPCODE.pong;
const MASKED = 0x80;
const MAX_CONTROL_BYTES = 125;
/** `SocketEvents` listens itself, for the pongs that `ws` reads. */
const OWN_PONG_LISTENERS = 1;

/** `ws`'s own listener for what a TCP socket received. */
export type WsDataListener = (this: Socket, bytes: Buffer) => void;

/**
 * Reads the common case itself: a whole, masked, unfragmented text frame that lies in the chunk and holds a plain
 * message. Pings too, lest a flood of them cost others their time, and pongs, lest every session that has answered a
 * heartbeat keep a {@link FrameTracker}. Every other frame goes to `ws` untouched, alone where possible; when `ws` has said
 * what it was, the next frame may be plain again. What `ws` puts together from parts is looked at once more: it may be a
 * plain message, too.
 *
 *   chunk  [plain][pong][part][plain][plai
 *   lane      ✓      ✓    ws     ✓     ws ── walk ──▶ until that frame ends
 */
@Injectable()
export class FastFrameReader {
  readonly #scanner = new EnvelopeScanner();
  readonly #maxBytes: number;
  /** When the chunk came that is being read; known where a limit needs it. */
  #nowMs = 0;
  /** Frames that `ws` has reported; it reports each before it returns, a faulty one never. */
  #reported = 0;

  constructor(
    private readonly direct: FastRouter,
    private readonly messageDispatcher: MessageDispatcher,
    private readonly table: HandlerTable,
    settings: Settings,
  ) {
    this.#maxBytes = settings.maxMessageBytes;
  }

  /** Takes note that `ws` reported a message, a ping or a pong. */
  reported(): void {
    this.#reported++;
  }

  /** Takes a message that `ws` put together; `false`, and nothing done, where the exact way must decide. */
  take(socket: GatewaySocket, message: Buffer): boolean {
    if (socket.session === undefined || socket.readyState !== WebSocket.OPEN) return false;
    if (socket.sessionRateLimiter !== undefined) this.#nowMs = performance.now();
    return this.#scanner.scan(message, 0, message.length, 0) && this.#carryOut(socket);
  }

  /** Reads one chunk that a socket received over `tcp`. */
  read(socket: GatewaySocket, tcp: Socket, chunk: Buffer, wsDataListener: WsDataListener): void {
    if (socket.sessionRateLimiter !== undefined) this.#nowMs = performance.now();
    let at = 0;
    while (at < chunk.length) {
      let walk = socket.walk;
      if (walk === undefined || walk.atMessage) {
        const end = socket.readyState === WebSocket.OPEN ? this.#plainFrame(socket, chunk, at) : this.#late(chunk, at);
        if (end > at) {
          at = end;
          continue;
        }
      }
      walk = socket.walk ??= new FrameTracker();
      if (walk.failed) return;
      const end = walk.step(chunk, at);
      const before = this.#reported;
      wsDataListener.call(tcp, at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
      at = end;
      // A whole message of which `ws` says nothing is faulty or a close frame, even if `ws` tells so only after the turn.
      if (this.#reported === before && walk.atMessage) walk.failed = true;
    }
  }

  /** Carries out the frame at `at` and returns the offset behind it; `at` itself where it is for `ws`. */
  #plainFrame(socket: GatewaySocket, chunk: Buffer, at: number): number {
    if (chunk.length - at < 6) return at;
    if (chunk[at] !== FINAL_TEXT) return control(socket, chunk, at);
    const second = chunk[at + 1]!;
    if ((second & MASKED) === 0) return at;
    let length = second & 0x7f;
    let start = at + 6;
    if (length === 126) {
      length = (chunk[at + 2]! << 8) | chunk[at + 3]!;
      start = at + 8;
    } else if (length === 127) return at;
    const end = start + length;
    if (end > chunk.length || length > this.#maxBytes) return at;
    return this.#scanner.scan(chunk, start, end, maskAt(chunk, start - 4)) && this.#carryOut(socket) ? end : at;
  }

  /** Carries out the message that was scanned; `false`, and nothing done, where the exact way must decide. */
  #carryOut(socket: GatewaySocket): boolean {
    const { sessionRateLimiter } = socket;
    const { length } = this.#scanner;
    if (sessionRateLimiter !== undefined && !sessionRateLimiter.has(length, this.#nowMs)) return this.#refuse(socket);
    const carried =
      !this.#scanner.reserved && this.table.definitelyUnclaimed(this.#scanner.typeHash)
        ? this.direct.tryRoute(socket.session!, this.#scanner)
        : this.#handle(socket);
    if (carried) sessionRateLimiter?.charge(length);
    return carried;
  }

  /** Refuses a message that is one too many as cheaply as it was read: a flood must not cost others their time. */
  #refuse(socket: GatewaySocket): boolean {
    const { length, idStart, idEnd, nonAscii } = this.#scanner;
    if (nonAscii && !isUtf8(TEXT.subarray(0, length))) return false;
    this.messageDispatcher.refuse(socket, idStart < 0 ? undefined : this.#scanner.ascii(idStart, idEnd), length);
    return true;
  }

  /** Steps over a frame that comes after the server has closed: it has no effect, however many there are. */
  #late(chunk: Buffer, at: number): number {
    if (chunk[at] !== FINAL_TEXT || chunk.length - at < 6) return controlEnd(chunk, at);
    const second = chunk[at + 1]!;
    const short = (second & 0x7f) < 126;
    const length = short ? second & 0x7f : (chunk[at + 2]! << 8) | chunk[at + 3]!;
    const end = at + (short ? 6 : 8) + length;
    return (second & MASKED) === 0 || second === 0xff || end > chunk.length || length > this.#maxBytes ? at : end;
  }

  /** Gives a message that a handler may claim to the intake, its envelope already checked. */
  #handle(socket: GatewaySocket): boolean {
    const { length, typeStart, typeEnd, receiverStart, receiverEnd } = this.#scanner;
    const { idStart, idEnd, dataStart, dataEnd, nonAscii } = this.#scanner;
    if (nonAscii && !isUtf8(TEXT.subarray(0, length))) return false;
    const envelope: Envelope = {
      type: this.#scanner.ascii(typeStart, typeEnd),
      receiver: receiverStart < 0 ? undefined : this.#scanner.ascii(receiverStart, receiverEnd),
      id: idStart < 0 ? undefined : this.#scanner.ascii(idStart, idEnd),
      data: dataStart < 0 ? undefined : TEXT.toString('utf8', dataStart, dataEnd),
      rest: TEXT.toString('utf8', 1, length),
    };
    this.messageDispatcher.dispatch(socket, envelope);
    return true;
  }
}

/** Returns the offset behind a whole, well-formed ping or pong at `at`; `at` itself where there is none. */
function controlEnd(chunk: Buffer, at: number): number {
  const first = chunk[at];
  if ((first !== FINAL_PING && first !== FINAL_PONG) || chunk.length - at < 6) return at;
  const second = chunk[at + 1]!;
  const length = second & 0x7f;
  const end = at + 6 + length;
  return (second & MASKED) === 0 || length > MAX_CONTROL_BYTES || end > chunk.length ? at : end;
}

function control(socket: GatewaySocket, chunk: Buffer, at: number): number {
  const end = controlEnd(chunk, at);
  if (end === at) return at;
  // That a pong came is noted already: all that comes is a sign of life. A listener of a user's own hears of it from `ws`.
  if (chunk[at] === FINAL_PONG) {
    if (socket.listenerCount('pong') > OWN_PONG_LISTENERS) return at;
    takePong(socket, end - at - 6);
    return end;
  }
  const body = Buffer.allocUnsafe(end - at - 6);
  for (let index = 0; index < body.length; index++) body[index] = chunk[at + 6 + index]! ^ chunk[at + 2 + (index & 3)]!;
  answerPing(socket, body);
  return end;
}
