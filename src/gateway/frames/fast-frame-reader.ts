import { Injectable } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { FastRouter } from '../../messaging/fast-router.js';
import {
  EnvelopeScanner,
  maskAt,
  MAX_FREE_REPORT_BYTES,
  OPCODE,
  SEEN_TYPE,
  TEXT,
  type ServerRequest,
} from '../../protocol/index.js';
import { Settings } from '../../settings/settings.js';
import { controlFrameEnd, readControlFrame } from './control-frames.js';
import { FrameTracker } from './frame-tracker.js';
import { kept } from './read-buffer.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerTable } from '../dispatch/handler-table.js';
import { MessageDispatcher } from '../dispatch/message-dispatcher.js';

/** The first byte of a whole text frame: final, no reserved bits (RFC 6455, 5.2). */
const FINAL_TEXT = 0x80 | OPCODE.text;
const MASKED = 0x80;

/** Bytes read from one socket after which it waits for the next turn; libuv would read 2 MiB of it in a row. */
const MAX_READ_BYTES = 65_536;
/** Bytes that each fragment counts beside its own, because an empty one costs as much as a short message. */
const FRAGMENT_COST_BYTES = 256;
/** `sys.error` replies to one socket after which it waits for the next turn. They cost more than the messages. */
const MAX_ERRORS = 64;

/** The listener of `ws` for the bytes that a TCP socket receives. */
export type WsDataListener = (this: Socket, bytes: Buffer) => void;

/**
 * Reads the common case without `ws`: a whole, masked, unfragmented text frame inside one chunk. Also reads pings, which
 * must be cheap under a flood, and pongs, so that idle sessions need no {@link FrameTracker}. Every other frame goes to
 * `ws` unchanged, alone where possible; the reader continues with the next message. Fragmented messages that `ws` has
 * assembled come back through {@link readMessage}.
 *
 *   chunk   [text][pong][fragment][text][tex
 *   reader    ✓     ✓      ws       ✓    ws ── tracker ──▶ until that frame ends
 */
@Injectable()
export class FastFrameReader {
  readonly #scanner = new EnvelopeScanner();
  readonly #maxBytes: number;
  /** Whether plain frames are read without `ws`; `false` with `FAST_LANE=off`. */
  readonly #isFast: boolean;
  /** When the current chunk arrived; set only for sockets with a rate limit. */
  #nowMs = 0;
  /** Messages, pings and pongs that `ws` has emitted. `ws` emits each before it returns, an invalid one never. */
  #reported = 0;

  constructor(
    private readonly fastRouter: FastRouter,
    private readonly messageDispatcher: MessageDispatcher,
    private readonly handlerTable: HandlerTable,
    settings: Settings,
  ) {
    this.#maxBytes = settings.maxMessageBytes;
    this.#isFast = settings.fastLane;
  }

  /** Counts a message, ping or pong that `ws` has emitted. */
  reported(): void {
    this.#reported++;
  }

  /** Reads a message that `ws` has assembled; returns `false`, with no effect, where the slow path must decide. */
  readMessage(socket: GatewaySocket, message: Buffer): boolean {
    if (!this.#isFast || socket.session === undefined || socket.readyState !== WebSocket.OPEN) return false;
    if (socket.session.rateLimiter !== undefined) this.#nowMs = performance.now();
    return this.#scanner.scan(message, 0, message.length, 0) && this.#dispatch(socket);
  }

  /**
   * Reads one chunk that a socket received over `tcp`, the first `length` of these bytes. Returns the rest to `tcp`,
   * unread, when what came before it has used up the share of this turn or filled the outbox, because one chunk may hold
   * thousands of requests for long answers, of broadcasts, of fragments, or of messages over the rate limit.
   */
  read(socket: GatewaySocket, tcp: Socket, bytes: Buffer, length: number, wsDataListener: WsDataListener): void {
    const session = socket.session!;
    if (session.rateLimiter !== undefined) this.#nowMs = performance.now();
    const { outbox } = session;
    if ((socket.readBytes += length) >= MAX_READ_BYTES) {
      socket.readBytes = 0;
      pauseForTurn(socket, tcp);
    }
    let at = 0;
    while (at < length) {
      if ((outbox.saturated || socket.errors >= MAX_ERRORS) && !session.closed && session.connection === socket) {
        socket.errors = 0;
        session.pauseForTurn();
        tcp.unshift(kept(bytes, at, length));
        return;
      }
      let frameTracker = socket.frameTracker;
      if (this.#isFast && (frameTracker === undefined || (frameTracker.atMessage && !frameTracker.wsOnly))) {
        const end =
          socket.readyState === WebSocket.OPEN
            ? this.#readFrame(socket, bytes, at, length)
            : this.#skipFrame(bytes, at, length);
        if (end > at) {
          at = end;
          continue;
        }
      }
      frameTracker = socket.frameTracker ??= new FrameTracker();
      if (frameTracker.failed) return;
      const { fragmentFrames } = frameTracker;
      const end = frameTracker.step(bytes, at, length);
      if (frameTracker.overFragmented) return refuse(socket, tcp, frameTracker);
      const before = this.#reported;
      wsDataListener.call(tcp, kept(bytes, at, end));
      at = end;
      // `ws` emits nothing for an invalid message or a close frame: later frames have no effect.
      if (this.#reported === before && frameTracker.atMessage) frameTracker.failed = true;
      if (frameTracker.fragmentFrames === fragmentFrames) continue;
      if ((socket.readBytes += FRAGMENT_COST_BYTES) < MAX_READ_BYTES) continue;
      socket.readBytes = at - length; // the rest counts when it is read again
      pauseForTurn(socket, tcp);
      if (at < length) tcp.unshift(kept(bytes, at, length));
      return;
    }
  }

  /** Reads the frame at `at` and returns the offset behind it; returns `at`, with no effect, where `ws` must read it. */
  #readFrame(socket: GatewaySocket, bytes: Buffer, at: number, chunkEnd: number): number {
    if (chunkEnd - at < 6) return at;
    if (bytes[at] !== FINAL_TEXT) return readControlFrame(socket, bytes, at, chunkEnd);
    const second = bytes[at + 1]!;
    if ((second & MASKED) === 0) return at;
    let length = second & 0x7f;
    let start = at + 6;
    if (length === 126) {
      length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      start = at + 8;
    } else if (length === 127) return at;
    const end = start + length;
    if (end > chunkEnd || length > this.#maxBytes) return at;
    return this.#scanner.scan(bytes, start, end, maskAt(bytes, start - 4)) && this.#dispatch(socket) ? end : at;
  }

  /** Routes or dispatches the scanned message; returns `false`, with no effect, where the slow path must decide. */
  #dispatch(socket: GatewaySocket): boolean {
    const session = socket.session!;
    const { rateLimiter, resumption } = session;
    const { length, reserved } = this.#scanner;
    const isReport = resumption !== null && reserved && this.#isSeen(); // not counted
    if (isReport && length <= MAX_FREE_REPORT_BYTES) return this.#handle(socket); // not charged either
    if (rateLimiter !== undefined && !rateLimiter.has(length, this.#nowMs)) return this.#limit(socket);
    const done =
      !reserved && this.handlerTable.definitelyOpen(session, this.#scanner)
        ? this.fastRouter.tryRoute(session, this.#scanner)
        : this.#handle(socket);
    if (!done) return false;
    rateLimiter?.charge(length);
    if (!isReport) resumption?.received(length);
    return true;
  }

  #isSeen(): boolean {
    const { typeStart, typeEnd } = this.#scanner;
    return typeEnd - typeStart === SEEN_TYPE.length && this.#scanner.ascii(typeStart, typeEnd) === SEEN_TYPE;
  }

  /** Answers a message over the rate limit with `rate_limited`, as cheaply as it was read, because floods come this way. */
  #limit(socket: GatewaySocket): boolean {
    const { length, typeStart, typeEnd, idStart, idEnd, nonAscii } = this.#scanner;
    if (nonAscii && !isUtf8(TEXT.subarray(0, length))) return false;
    const type = this.#scanner.ascii(typeStart, typeEnd);
    const id = idStart < 0 ? undefined : this.#scanner.ascii(idStart, idEnd);
    this.messageDispatcher.refuse(socket, { type, id }, length);
    if (type !== SEEN_TYPE) socket.session?.resumption?.received(length);
    return true;
  }

  /** Skips a frame after the server has closed, and returns the offset behind it; `at` where `ws` must read it. */
  #skipFrame(bytes: Buffer, at: number, chunkEnd: number): number {
    if (bytes[at] !== FINAL_TEXT || chunkEnd - at < 6) return controlFrameEnd(bytes, at, chunkEnd);
    const second = bytes[at + 1]!;
    const short = (second & 0x7f) < 126;
    const length = short ? second & 0x7f : (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const end = at + (short ? 6 : 8) + length;
    return (second & MASKED) === 0 || second === 0xff || end > chunkEnd || length > this.#maxBytes ? at : end;
  }

  /** Passes a message that a handler claims, or a request to the server, to the dispatcher. */
  #handle(socket: GatewaySocket): boolean {
    const { length, reserved, typeStart, typeEnd, idStart, idEnd, dataStart, dataEnd, nonAscii } = this.#scanner;
    const { receiverStart, receiverEnd } = this.#scanner;
    const type = this.#scanner.ascii(typeStart, typeEnd);
    if (!reserved && this.handlerTable.handler(type) === undefined) return this.#route(socket, type);
    if (nonAscii && !isUtf8(TEXT.subarray(0, length))) return false;
    const request: ServerRequest = {
      type,
      id: idStart < 0 ? undefined : this.#scanner.ascii(idStart, idEnd),
      receiver: receiverStart < 0 ? undefined : this.#scanner.ascii(receiverStart, receiverEnd),
      data:
        dataStart < 0
          ? undefined
          : nonAscii
            ? TEXT.toString('utf8', dataStart, dataEnd)
            : this.#scanner.ascii(dataStart, dataEnd),
    };
    this.messageDispatcher.dispatch(socket, request, nonAscii ? 2 * length : length);
    return true;
  }

  /** Routes a message that no handler claims. Passes one that must be checked to the dispatcher, which replies. */
  #route(socket: GatewaySocket, type: string): boolean {
    const session = socket.session!;
    if (this.handlerTable.isOpen(type, session, this.#scanner)) return this.fastRouter.tryRoute(session, this.#scanner);
    const { length, receiverStart, receiverEnd, idStart, idEnd, nonAscii } = this.#scanner;
    if (nonAscii && !isUtf8(TEXT.subarray(0, length))) return false;
    this.messageDispatcher.route(socket, {
      type,
      receiver: receiverStart < 0 ? undefined : this.#scanner.ascii(receiverStart, receiverEnd),
      id: idStart < 0 ? undefined : this.#scanner.ascii(idStart, idEnd),
      data: undefined, // a routed message is carried as its text
      rest: TEXT.toString('utf8', 1, length),
    });
    return true;
  }
}

/** Closes with 1008 and reads nothing more, as `ws` does after an invalid frame. */
function refuse(socket: GatewaySocket, tcp: Socket, frameTracker: FrameTracker): void {
  frameTracker.failed = true;
  socket.close(1008);
  tcp.end();
}

/**
 * Stops reading until the next turn. The session of a closing socket does not, because it has ended or has another
 * connection; the client's close frame may follow.
 */
function pauseForTurn(socket: GatewaySocket, tcp: Socket): void {
  const { session } = socket;
  if (session?.closed === false && session.connection === socket) return session.pauseForTurn();
  tcp.pause();
  setImmediate(() => tcp.resume());
}
