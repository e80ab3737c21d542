import { connect, type Socket } from 'node:net';
import { OPCODE } from '../../src/protocol/index.js';
import { HandshakeError, type Closed } from '../../src/testing/start.js';
import { clientFrame, closeFrame } from './client-frames.js';
import { request, UPGRADE_HEADERS } from './raw-http.js';
import { ServerFrameReader, type ServerFrame } from './server-frames.js';

/** The ways in which a connection is lost: a reset, an end, or no more bytes in either direction. */
export const CUTS = ['reset', 'end', 'silence'] as const;
export type Cut = (typeof CUTS)[number];

export interface WireOptions {
  /** Headers of the handshake beside those of each handshake. */
  readonly headers?: readonly string[];
  /** Receives each text frame until the connection is cut. */
  readonly onText: (text: string, connection: WireConnection) => void;
  /** Cuts the connection when this many bytes of the server have been read; the last bytes may be part of a frame. */
  readonly cutAfter?: { readonly bytes: number; readonly cut: Cut };
}

/** One connection of a client that reads and writes frames itself, so that a test can lose the connection at any byte. */
export class WireConnection {
  /** True once the client has cut the connection, or the server has closed it. */
  isOver = false;
  /** The code and reason of the server's close frame; 1006 where the connection was cut or ended without one. */
  readonly closed: Promise<Closed>;
  /** Resolves with the response to the upgrade. Rejects where the server rejects the handshake. */
  readonly accepted: Promise<string>;
  readonly #socket: Socket;
  readonly #reader = new ServerFrameReader((frame) => this.#record(frame));
  #accept!: (head: string) => void;
  #reject!: (error: Error) => void;
  #close!: (closed: Closed) => void;
  #readBytes = 0;
  #hasClosed = false;

  constructor(
    port: number,
    private readonly options: WireOptions,
  ) {
    this.closed = new Promise((resolve) => (this.#close = resolve));
    this.accepted = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#reject = reject;
    });
    this.accepted.catch(() => undefined); // a test may wait for something else
    this.#socket = connect({ port, host: '127.0.0.1' });
    this.#socket.setNoDelay();
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('close', () => this.#end());
    this.#socket.write(request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, ...(options.headers ?? [])]));
  }

  write(...frames: readonly Buffer[]): void {
    if (!this.isOver && !this.#hasClosed) this.#socket.write(Buffer.concat(frames));
  }

  /** Writes frames although the client has lost the connection, as bytes that a network has delayed. */
  writeLate(...frames: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  /** Loses the connection. A silent one is neither read nor written any more, and stays open. */
  cut(cut: Cut = 'reset'): void {
    this.#end();
    if (cut === 'reset') this.#socket.resetAndDestroy();
    else if (cut === 'end') this.#socket.destroySoon();
    else this.#socket.pause();
  }

  /** Starts the closing handshake; without a code the close frame is empty. */
  close(code?: number): Promise<Closed> {
    this.write(closeFrame(code));
    this.#hasClosed = true;
    return this.closed;
  }

  /** Frees the socket, also a silent one. */
  destroy(): void {
    this.#end();
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const { cutAfter } = this.options;
    const bytes = cutAfter === undefined ? chunk : chunk.subarray(0, Math.max(0, cutAfter.bytes - this.#readBytes));
    this.#readBytes += bytes.length;
    const hadHead = this.#reader.head !== '';
    this.#reader.read(bytes);
    if (!hadHead && this.#reader.head !== '') this.#onHead(this.#reader.head);
    if (cutAfter !== undefined && this.#readBytes >= cutAfter.bytes && !this.isOver) this.cut(cutAfter.cut);
  }

  #onHead(head: string): void {
    const status = Number(head.split(' ')[1]);
    if (status === 101) return this.#accept(head);
    this.#reject(new HandshakeError(status, 'no_code', head));
    this.destroy();
  }

  #record({ opcode, body }: ServerFrame): void {
    if (opcode === OPCODE.close && !this.isOver) this.#onClose(body);
    if (this.isOver) return;
    if (opcode === OPCODE.text) this.options.onText(body.toString(), this);
    if (opcode === OPCODE.ping) this.write(clientFrame(body, { opcode: OPCODE.pong }));
  }

  #onClose(body: Buffer): void {
    const code = body.length >= 2 ? body.readUInt16BE() : 1005;
    if (!this.#hasClosed) this.write(closeFrame(body.length >= 2 ? code : undefined));
    this.isOver = true;
    this.#close({ code, reason: body.subarray(2).toString() });
    this.#socket.end();
  }

  #end(): void {
    this.isOver = true;
    this.#close({ code: 1006, reason: '' });
    this.#reject(new Error('the connection ended before the response'));
  }
}
