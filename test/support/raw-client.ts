import { connect as connectTcp, type Socket } from 'node:net';
import { OPCODE } from '../../src/protocol/index.js';

const REQUEST =
  'GET /wss HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** A client of bytes: writes whatever it is given and remembers each frame it is sent as a line of text. */
export class RawClient {
  /** `text …`, `pong …` (in hex), `close CODE REASON`, in order. */
  lines: string[] = [];
  id = '';
  /** Whether a close frame came or the connection is gone. */
  over = false;
  #unread: Buffer = Buffer.alloc(0);
  #upgraded = false;
  #waiting: { readonly seen: (line: string) => boolean; readonly resolve: () => void } | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay();
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end());
  }

  /** Connects and takes the welcome, which stays out of {@link lines}. */
  static async open(port: number, allowHalfOpen = false): Promise<RawClient> {
    const client = new RawClient(connectTcp({ port, host: '127.0.0.1', allowHalfOpen }));
    const welcomed = client.until((line) => line.includes('"sys.welcome"'));
    client.socket.write(REQUEST);
    await welcomed;
    const [, welcome = ''] = client.lines.shift()!.split(/ (.*)/s);
    client.id = (JSON.parse(welcome) as { receiver: string }).receiver;
    return client;
  }

  /** Resolves when such a line comes, or the connection is over. Lines that came before do not count. */
  until(seen: (line: string) => boolean): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => (this.#waiting = { seen, resolve }));
  }

  #read(chunk: Buffer): void {
    let bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    if (!this.#upgraded) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end === -1) return void (this.#unread = bytes);
      this.#upgraded = true;
      bytes = bytes.subarray(end + 4);
    }
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes[at + 1]! & 0x7f;
      const start = at + (short === 126 ? 4 : short === 127 ? 10 : 2);
      if (bytes.length < start) break;
      const length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? bytes.readUInt32BE(at + 6) : short;
      if (bytes.length < start + length) break;
      this.#frame(bytes[at]!, bytes.subarray(start, start + length));
      at = start + length;
    }
    this.#unread = bytes.subarray(at);
  }

  #frame(first: number, body: Buffer): void {
    const opcode = first & 0x0f;
    if (first === (0x80 | OPCODE.text)) this.#line(`text ${body.toString()}`);
    else if (first === (0x80 | OPCODE.pong)) this.#line(`pong ${body.toString('hex')}`);
    else if (first === (0x80 | OPCODE.close)) {
      this.#line(`close ${body.length === 0 ? '' : body.readUInt16BE()} ${body.subarray(2).toString()}`);
      this.socket.end();
      this.#end();
    } else if (opcode !== OPCODE.ping) this.#line(`odd frame ${first}`);
  }

  #line(line: string): void {
    this.lines.push(line);
    if (this.#waiting?.seen(line)) this.#settle();
  }

  #end(): void {
    this.over = true;
    this.#settle();
  }

  #settle(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
