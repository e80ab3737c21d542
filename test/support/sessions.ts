import { Writable } from 'node:stream';
import { NodeIdentity } from '../../src/node/node-identity.js';
import { welcomeFrames } from '../../src/protocol/index.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import type { ByteSink, Connection } from '../../src/sessions/connection.js';
import { FlushScheduler } from '../../src/sessions/flush-scheduler.js';
import type { Identity } from '../../src/sessions/identity.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { SlowConsumers } from '../../src/sessions/slow-consumers.js';
import { Log } from '../../src/telemetry/log.js';
import { readSettings } from '../../src/settings/environment.js';
import type { Received } from './client.js';

export const WELCOME = { protocol: 1, heartbeatMs: 1234, maxMessageBytes: 5678, notices: 'peers' } as const;
export const IDENTITY: Identity = {
  address: '127.0.0.1',
  user: undefined,
  subject: undefined,
  claims: undefined,
  expiresAt: undefined,
};
const welcomeFrame = welcomeFrames(WELCOME);

/** Creates a registry as the application does, without a server. */
export function newRegistry(variables: Record<string, string> = {}): SessionRegistry {
  const slowConsumers = new SlowConsumers(readSettings(variables));
  const log = new Log(readSettings(variables));
  return new SessionRegistry(new FlushScheduler(), new BlockPool(), slowConsumers, new NodeIdentity(), log);
}

/** A sink that keeps the written bytes. A `stalled` sink holds them back and accepts no more than its high-water mark. */
class FakeSink extends Writable implements ByteSink {
  readonly #chunks: Buffer[] = [];
  #finish: (() => void) | undefined;
  stalled = false;

  constructor() {
    // The default is 16 KiB on Node 20 and 64 KiB from Node 22 on.
    super({ highWaterMark: 16_384 });
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk)); // a copy, because the block returns to the pool
    if (this.stalled) this.#finish = done;
    else done();
  }

  send(bytes: Uint8Array, length: number): void {
    this.write(bytes.subarray(0, length));
  }

  onceDrained(listener: () => void): void {
    this.once('drain', listener);
  }

  /** Accepts bytes again. */
  resume(): void {
    this.stalled = false;
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.();
  }

  get written(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** A connection without a network: keeps the frames that are written, and the code it was closed with. */
export class FakeConnection implements Connection {
  readonly sink = new FakeSink();
  readonly bytesRead = 0;
  readonly confirmedBytes = 0;
  isPaused = false;
  readonly isPiped = false;
  isClosed = false;
  closedWith: number | undefined;

  get bytesWritten(): number {
    return this.sink.written.length;
  }

  get takenBytes(): number {
    return this.bytesWritten - this.sink.writableLength;
  }

  /** Envelopes of the text frames written so far. */
  get envelopes(): Received[] {
    return textsOf(this.sink.written).map((text) => JSON.parse(text) as Received);
  }

  /** Types of the text frames written so far. */
  get types(): string[] {
    return this.envelopes.map(({ type }) => type);
  }

  stopReading(): void {
    this.isPaused = true;
  }

  startReading(): void {
    this.isPaused = false;
  }

  close(code: number): void {
    this.closedWith = code;
  }

  terminate(): void {
    this.isClosed = true;
  }

  onceClosed(listener: (code: number) => void): void {
    if (this.isClosed) listener(1006);
  }

  countError(): void {}
}

export interface FakeSession {
  readonly session: Session;
  readonly connection: FakeConnection;
}

/** Opens a session over a fake connection. */
export function openSession(registry: SessionRegistry, connection = new FakeConnection()): FakeSession {
  const session = registry.create({ ...IDENTITY });
  session.attach(connection);
  registry.open(session, welcomeFrame(session.id));
  return { session, connection };
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
