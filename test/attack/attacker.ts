import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { KeySource } from './key-source.js';

const HANDSHAKE =
  'GET /wss HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
/** `sys.welcome` up to its end; `data` has one object at most. */
const WELCOME = /"receiver":"([^"]+)","data":\{[^{}]*(?:\{[^{}]*\})?[^{}]*\}\}/;
const ERROR = '"type":"sys.error"';
/** Bytes kept of those received last: enough for a close frame, and for any text that is counted. */
const TAIL_BYTES = 256;
/** Bytes kept of those received first, and of one chunk more: enough for a response and the first frame. */
const HEAD_BYTES = 1024;
/** Addresses of 127.0.0.0/8 for attackers, each used once, so that one attack does not use up the limits of the next. */
let addresses = 0;

export interface Aim {
  readonly port: number;
  readonly tls: boolean;
  readonly keySource: KeySource;
  /** A valid token, for sessions that need a user. */
  readonly token: string;
  /** Resolves after so many more exchanges of the calm pair. */
  exchanges(count: number): Promise<void>;
}

/** A connection of an attacker. What it receives is counted and not kept. */
export class Enemy {
  id = '';
  /** The first bytes received: the response to the handshake, and `sys.welcome`. */
  head = '';
  /** `sys.error` frames received so far. */
  errors = 0;
  tail = '';
  /** Resolves when the connection is over, whichever side ended it. */
  readonly ended: Promise<unknown>;

  constructor(readonly socket: Socket) {
    this.ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (chunk) => {
      if (this.head.length < HEAD_BYTES) this.head += chunk.toString('latin1', 0, HEAD_BYTES);
      const received = this.tail + chunk.toString('latin1');
      for (let at = received.indexOf(ERROR); at !== -1; at = received.indexOf(ERROR, at + 1))
        if (at + ERROR.length > this.tail.length) this.errors++;
      this.tail = received.slice(-TAIL_BYTES);
    });
  }

  write(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }
}

/** An attack: bounded in count, resolves when it is over. Throws where the server does not end it as it should. */
export type Attack = (attacker: Attacker) => Promise<void>;

/** Opens connections from an address of its own, and destroys them in the end. */
export class Attacker {
  readonly #sockets: Socket[] = [];
  readonly #address = `127.9.${addresses >> 8}.${1 + ((addresses++ & 0xff) % 254)}`;

  /** @param force how much heavier the attack is than beside a calm pair */
  constructor(
    readonly aim: Aim,
    readonly force = 1,
  ) {}

  exchanges(count: number): Promise<void> {
    return this.aim.exchanges(count);
  }

  /** Opens a TCP connection and writes to it, whether the port speaks TLS or not. */
  async tcp(first: string | Buffer = ''): Promise<Enemy> {
    const socket = this.#watched(connectTcp(this.#from(this.aim.port)));
    socket.write(first);
    await settled(socket, 'connect');
    return new Enemy(socket);
  }

  /** Opens a connection as the port wants it, and writes to it. */
  async open(first: string | Buffer): Promise<Enemy> {
    if (!this.aim.tls) return this.tcp(first);
    const socket = this.#watched(connectTls({ ...this.#from(this.aim.port), rejectUnauthorized: false }));
    await settled(socket, 'secureConnect');
    socket.write(first);
    return new Enemy(socket);
  }

  /** Opens a session; its id is known, and its first frame received. @throws where the handshake is rejected */
  async session(...headers: readonly string[]): Promise<Enemy> {
    const enemy = await this.open(handshake(headers));
    while (enemy.id === '') {
      const [chunk] = (await Promise.race([once(enemy.socket, 'data'), enemy.ended])) as [Buffer?];
      if (chunk === undefined) throw new Error(`the handshake was rejected: ${enemy.head}`);
      enemy.id = WELCOME.exec(enemy.head)?.[1] ?? '';
    }
    return enemy;
  }

  sessions(count: number, ...headers: readonly string[]): Promise<Enemy[]> {
    return Promise.all(Array.from({ length: count }, () => this.session(...headers)));
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #from(port: number) {
    return { port, host: '127.0.0.1', localAddress: this.#address };
  }

  #watched<S extends Socket>(socket: S): S {
    socket.on('error', () => undefined);
    this.#sockets.push(socket);
    return socket;
  }
}

/** A handshake with more headers. */
export function handshake(headers: readonly string[] = []): string {
  return `${[HANDSHAKE.trimEnd(), ...headers].join('\r\n')}\r\n\r\n`;
}

export function bearer(token: string): string {
  return `Authorization: Bearer ${token}`;
}

/** Waits for an event, or for the end of the socket. */
async function settled(socket: Socket, event: string): Promise<void> {
  await Promise.race([once(socket, event), once(socket, 'close')]).catch(() => undefined);
}
