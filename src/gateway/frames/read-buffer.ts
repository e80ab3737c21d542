import { Socket } from 'node:net';
import { Readable } from 'node:stream';

/** Bytes of one read; libuv asks for as many. */
const READ_BYTES = 65_536;
/** The bytes of the current read. One buffer for the process, because each read is processed before the next begins. */
const READ = Buffer.allocUnsafeSlow(READ_BYTES);

/** Where a socket keeps the buffer and the callback of `onread`; every socket has these properties. */
const symbols = Object.getOwnPropertySymbols(new Socket());
const kBuffer = symbols.find(({ description }) => description === 'kBuffer');
const kBufferCb = symbols.find(({ description }) => description === 'kBufferCb');

/** Gets what a socket receives, the first `length` bytes of a buffer, which are valid until the listener returns. */
export type ReadListener = (this: Socket, bytes: Buffer, length: number) => void;

/** The parts of a socket that Node sets for the option `onread` of `net.connect`. */
type Internals = Record<symbol, unknown> & {
  readonly _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } | null;
};

/**
 * Lets sockets read into one buffer. Without it Node allocates 64 KiB for each read, whose release costs more than the
 * message: on Node 24 the garbage collector takes half of the time with messages of 4 KiB. Node offers such a buffer for
 * the sockets of `net.connect` only, so this class sets what that option sets. Where a version of Node has other
 * internals, and for bytes that return to the stream, the socket emits `data`.
 */
export class ReadBuffer {
  readonly #onData: (this: Socket, chunk: Buffer) => void;
  readonly #onRead: (this: Socket, length: number) => boolean;

  constructor(listener: ReadListener) {
    this.#onData = function (this: Socket, chunk) {
      listener.call(this, chunk, chunk.length);
    };
    this.#onRead = function (this: Socket, length) {
      // The stream keeps the order where earlier bytes wait in it, and emits `data` for listeners of the application.
      if (this.readableFlowing !== true || this.readableLength > 0 || this.listenerCount('data') > 1)
        return this.push(kept(READ, 0, length));
      listener.call(this, READ, length);
      return true;
    };
  }

  /** Passes what a socket receives to the listener; returns whether the socket reads into the buffer. */
  listen(socket: Socket): boolean {
    socket.on('data', this.#onData);
    const internals = socket as Socket & Internals;
    if (kBuffer === undefined || kBufferCb === undefined || internals[kBuffer] !== null) return false;
    const { _handle: handle } = internals;
    if (typeof handle?.useUserBuffer !== 'function') return false;
    internals[kBuffer] = READ;
    internals[kBufferCb] = this.#onRead;
    handle.useUserBuffer(READ);
    socket.pause = pauseStream;
    return true;
  }
}

/**
 * Pauses the stream alone. With `onread` Node would stop reading at once, and so would not notice that a paused client ends
 * or loses the connection.
 */
function pauseStream(this: Socket): Socket {
  Readable.prototype.pause.call(this);
  return this;
}

/** Returns a part of the bytes that stays valid after the listener has returned. */
export function kept(bytes: Buffer, from: number, to: number): Buffer {
  const part = bytes.subarray(from, to);
  return bytes === READ ? Buffer.from(part) : part;
}
