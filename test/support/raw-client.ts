import { connect, type Socket } from 'node:net';
import { OPCODE } from '../../src/protocol/index.js';
import type { Received } from './client.js';
import { request, UPGRADE_HEADERS } from './raw-http.js';
import { ServerFrameReader, type ServerFrame } from './server-frames.js';

export type { ServerFrame } from './server-frames.js';

export interface RawClientOptions {
  readonly headers?: readonly string[];
  readonly path?: string;
  /** Bytes sent along with the request. */
  readonly behind?: Buffer;
  /** Ends the connection when the server closes or ends it, as an ordinary client does. */
  readonly endsItself?: boolean;
}

/** A client that writes bytes as given and records frames; it answers neither pings nor close frames. */
export class RawClient {
  /** Frames received and not yet taken, in order. */
  readonly frames: ServerFrame[] = [];
  id = '';
  /** True after a close frame of the server or the end of the connection. */
  over = false;
  /** Resolves when the server has ended the connection. */
  readonly gone: Promise<unknown>;
  readonly #reader = new ServerFrameReader((frame) => this.#record(frame));
  #wake: () => void = () => undefined;
  #waiting: { readonly seen: (line: string) => boolean; readonly resolve: () => void } | undefined;

  private constructor(
    readonly socket: Socket,
    private readonly endsItself: boolean,
  ) {
    socket.setNoDelay();
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.#reader.read(chunk);
      this.#wake();
    });
    this.gone = new Promise((resolve) => {
      socket.once('end', resolve);
      socket.once('close', resolve);
    });
    void this.gone.then(() => this.#end());
  }

  /** Connects, upgrades and takes the welcome. @param place a port, or the path of a Unix socket */
  static async open(
    place: number | string,
    { headers = UPGRADE_HEADERS, path = '/wss', behind = Buffer.alloc(0), endsItself = false }: RawClientOptions = {},
  ): Promise<RawClient> {
    const socket = connect({
      ...(typeof place === 'number' ? { port: place, host: '127.0.0.1' } : { path: place }),
      allowHalfOpen: !endsItself,
    });
    const client = new RawClient(socket, endsItself);
    socket.write(Buffer.concat([Buffer.from(request(`GET ${path} HTTP/1.1`, headers)), behind]));
    client.id = (await client.envelope()).receiver;
    return client;
  }

  /** The response to the upgrade, without its empty line. */
  get head(): string {
    return this.#reader.head;
  }

  /** The frames as text, pings excepted: `text …`, `pong …` in hexadecimal, `close CODE REASON`. */
  get lines(): string[] {
    return this.frames.filter(({ opcode }) => opcode !== OPCODE.ping).map(lineOf);
  }

  write(...frames: readonly (Buffer | string)[]): void {
    this.socket.write(Buffer.concat(frames.map((each) => Buffer.from(each))));
  }

  /** Resolves at the next line that matches, or when the connection is over. Earlier lines do not count. */
  until(seen: (line: string) => boolean): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => (this.#waiting = { seen, resolve }));
  }

  /** Takes the next frame with one of these opcodes and drops the frames before it. */
  async next(...opcodes: readonly number[]): Promise<ServerFrame> {
    for (;;) {
      const taken = this.frames.shift();
      if (taken !== undefined) {
        if (opcodes.includes(taken.opcode)) return taken;
      } else if (this.socket.destroyed || this.socket.readableEnded) throw new Error('the connection is gone');
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Takes the next text frame. */
  async envelope(): Promise<Received> {
    const { body } = await this.next(OPCODE.text);
    return JSON.parse(body.toString()) as Received;
  }

  /** Takes the next text frame of a type and drops the frames before it. */
  async envelopeOf(type: string): Promise<Received> {
    for (;;) {
      const envelope = await this.envelope();
      if (envelope.type === type) return envelope;
    }
  }

  /** Takes the server's close frame; the code of an empty one is `undefined`. */
  async closed(): Promise<{ code: number | undefined; reason: string }> {
    const { body } = await this.next(OPCODE.close);
    return { code: body.length >= 2 ? body.readUInt16BE() : undefined, reason: body.subarray(2).toString() };
  }

  #record(frame: ServerFrame): void {
    this.frames.push(frame);
    if (this.#waiting?.seen(lineOf(frame))) this.#settle();
    if (frame.opcode !== OPCODE.close) return;
    if (this.endsItself) this.socket.end();
    this.#end();
  }

  #end(): void {
    this.over = true;
    this.#wake();
    this.#settle();
  }

  #settle(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}

function lineOf({ first, opcode, body }: ServerFrame): string {
  if (first === (0x80 | OPCODE.text)) return `text ${body.toString()}`;
  if (first === (0x80 | OPCODE.pong)) return `pong ${body.toString('hex')}`;
  if (first === (0x80 | OPCODE.close))
    return `close ${body.length === 0 ? '' : body.readUInt16BE()} ${body.subarray(2).toString()}`;
  return opcode === OPCODE.ping ? 'ping' : `odd frame ${first}`;
}
