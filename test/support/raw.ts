import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Received } from './client.js';

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The request of a WebSocket handshake, each header on a line of its own. */
export const UPGRADE_HEADERS = [
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
] as const;

/** Writes a request; it ends with the empty line. */
export function request(line: string, headers: readonly string[] = UPGRADE_HEADERS): string {
  return `${[line, ...headers].join('\r\n')}\r\n\r\n`;
}

interface Shape {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly masked?: boolean;
  /** The three reserved bits as 0 to 7. */
  readonly reserved?: number;
}

/** Writes one frame of a client by hand, valid or not (RFC 6455, 5.2). */
export function frame(content: string | Buffer, shape: Shape = {}): Buffer {
  const { opcode = OPCODES.text, final = true, masked = true, reserved = 0 } = shape;
  const body = Buffer.from(content);
  const { length } = body;
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const shortLength = extended.length === 0 ? length : extended.length === 2 ? 126 : 127;
  const mask = Buffer.from(masked ? [0x37, 0xfa, 0x21, 0x3d] : []);
  if (masked) for (let index = 0; index < length; index++) body[index]! ^= mask[index & 3]!;
  const header = Buffer.from([(final ? 0x80 : 0) | (reserved << 4) | opcode, (masked ? 0x80 : 0) | shortLength]);
  return Buffer.concat([header, extended, mask, body]);
}

/** Writes a close frame; without a code it is empty. */
export function closing(code?: number, reason = ''): Buffer {
  if (code === undefined) return frame('', { opcode: OPCODES.close });
  return frame(Buffer.concat([Buffer.from([code >>> 8, code & 0xff]), Buffer.from(reason)]), { opcode: OPCODES.close });
}

/** Writes an envelope as a text frame. */
export function message(envelope: object): Buffer {
  return frame(JSON.stringify(envelope));
}

/** A frame as it came from the server. */
export interface ServerFrame {
  /** The whole first byte: the final bit, the reserved bits, the opcode. */
  readonly first: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly body: Buffer;
}

/** A client of bytes: answers nothing by itself, neither pings nor close frames. */
export class RawClient {
  readonly frames: ServerFrame[] = [];
  /** The response to the upgrade, without its empty line. */
  head = '';
  id = '';
  /** Resolves when the server has ended the connection. */
  readonly gone: Promise<unknown>;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#read(chunk));
    this.gone = new Promise((resolve) => {
      socket.once('end', resolve);
      socket.once('close', resolve);
    });
    void this.gone.then(() => this.#wake());
  }

  /** Connects, upgrades and takes the welcome. @param behind bytes sent along with the request */
  static async open(
    port: number,
    headers?: readonly string[],
    behind: Buffer = Buffer.alloc(0),
    path = '/wss',
  ): Promise<RawClient> {
    const client = new RawClient(connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }));
    client.socket.write(Buffer.concat([Buffer.from(request(`GET ${path} HTTP/1.1`, headers)), behind]));
    client.id = (await client.envelope()).receiver;
    return client;
  }

  write(...frames: readonly (Buffer | string)[]): void {
    this.socket.write(Buffer.concat(frames.map((each) => Buffer.from(each))));
  }

  /** Takes the next frame with one of these opcodes and drops those before it. */
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
    const { body } = await this.next(OPCODES.text);
    return JSON.parse(body.toString()) as Received;
  }

  /** Takes the next text frame of a type and drops those before it. */
  async envelopeOf(type: string): Promise<Received> {
    for (;;) {
      const envelope = await this.envelope();
      if (envelope.type === type) return envelope;
    }
  }

  /** Takes the server's close frame; `undefined` for the code of an empty one. */
  async closed(): Promise<{ code: number | undefined; reason: string }> {
    const { body } = await this.next(OPCODES.close);
    return { code: body.length >= 2 ? body.readUInt16BE() : undefined, reason: body.subarray(2).toString() };
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.head === '') {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.head = this.#bytes.toString('latin1', 0, end);
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    while (this.#frame());
    this.#wake();
  }

  #frame(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 2) return false;
    const short = bytes[1]! & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return false;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < start + length) return false;
    const first = bytes[0]!;
    const body = bytes.subarray(start, start + length);
    this.frames.push({ first, opcode: first & 0x0f, masked: (bytes[1]! & 0x80) !== 0, body });
    this.#bytes = bytes.subarray(start + length);
    return true;
  }
}

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Everything behind the headers until the server ended the connection. */
  readonly body: string;
}

/** Sends bytes on a connection of its own and reads until the server ends it. */
export async function exchange(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = connectTcp({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  let failed: Error | undefined;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', (error) => (failed = error));
  socket.write(bytes);
  await once(socket, 'close').catch(() => undefined);
  const answer = Buffer.concat(chunks).toString();
  const end = answer.indexOf('\r\n\r\n');
  if (end === -1) throw new Error(`no complete response (${failed?.message ?? 'ended'}): ${JSON.stringify(answer)}`);
  const [first = '', ...lines] = answer.slice(0, end).split('\r\n');
  return {
    status: Number(first.split(' ')[1]),
    headers: new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^.*?: */, '')]),
    ),
    body: answer.slice(end + 4),
  };
}
