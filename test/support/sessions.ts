import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { NodeIdentity } from '../../src/node/node-identity.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { SessionSocket } from '../../src/sessions/session-socket.js';
import type { Session } from '../../src/sessions/session.js';
import { SlowConsumers } from '../../src/sessions/slow-consumers.js';
import { FlushScheduler } from '../../src/sessions/flush-scheduler.js';
import { readSettings } from '../../src/settings/environment.js';
import type { Received } from './client.js';

/** Makes a registry as the application does, without a server around it. */
export function newRegistry(variables: Record<string, string> = {}): SessionRegistry {
  const settings = readSettings(variables);
  return new SessionRegistry(new FlushScheduler(), new SlowConsumers(settings), settings, new NodeIdentity());
}

/** The server's end of a connection that nobody reads but the test: keeps what is written. */
export class FakeConnection extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk)); // a copy: the block goes back to the pool
    done();
  }

  /** The envelopes of the text frames written so far. */
  get envelopes(): Received[] {
    return textsOf(Buffer.concat(this.#chunks)).map((text) => JSON.parse(text) as Received);
  }
}

export interface FakeSession {
  readonly session: Session;
  readonly socket: SessionSocket;
  readonly connection: FakeConnection;
}

/** Opens a session whose socket is there and whose network is not. */
export function openSession(registry: SessionRegistry): FakeSession {
  const connection = new FakeConnection();
  // `ws` takes `null` for the server's side of a connection; its type declarations say so only inside.
  const socket = new SessionSocket(null as unknown as string, [], {});
  const request = { socket: connection, headers: {} } as unknown as IncomingMessage;
  return { session: registry.open(socket, request), socket, connection };
}

/** Reads unmasked text frames of any length (RFC 6455, 5.2). */
export function textsOf(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]!;
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if (bytes[at] === 0x81) texts.push(bytes.toString('utf8', start, start + length));
    at = start + length;
  }
  return texts;
}
