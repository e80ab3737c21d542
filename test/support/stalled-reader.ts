import type { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import type { Client, Received } from './client.js';
import { RawClient } from './raw-client.js';
import type { TestServer } from './server.js';

/** A client that pauses and resumes reading, with access to its session on the server. */
export class StalledReader {
  private constructor(
    readonly client: RawClient,
    readonly session: Session,
  ) {}

  /** @param place a port, or the path of a Unix socket */
  static async open(server: TestServer, place: number | string = server.port): Promise<StalledReader> {
    const client = await RawClient.open(place, { endsItself: true });
    client.socket.pause();
    return new StalledReader(client, server.app.get(SessionRegistry).find(client.id)!);
  }

  get id(): string {
    return this.client.id;
  }

  /** The server's end of the connection. */
  get socket(): Socket {
    return (this.session.connection as GatewaySocket).sink.socket;
  }

  get waitingBytes(): number {
    return this.session.outbox.bufferedBytes;
  }

  /** Reads until a condition holds or the connection is over; then pauses or continues. */
  async readUntil(done: () => boolean, then: 'pause' | 'continue' = 'continue'): Promise<void> {
    this.client.socket.resume();
    while (!this.client.over && !done()) await turn();
    if (then === 'pause') this.client.socket.pause();
  }

  /** Reads at this rate, on average, until a condition holds or the connection is over. */
  async readSlowly(bytesPerSecond: number, done: () => boolean): Promise<void> {
    const { socket } = this.client;
    const begunMs = performance.now();
    let bytes = 0;
    const pause = (chunk: Buffer): void => {
      bytes += chunk.length;
      socket.pause();
    };
    socket.on('data', pause);
    for (; !this.client.over && !done(); await delay(1))
      if (bytes < ((performance.now() - begunMs) * bytesPerSecond) / 1000) socket.resume();
    socket.off('data', pause);
  }

  /** Returns the envelopes read so far. */
  read(): Received[] {
    return this.client.lines
      .filter((line) => line.startsWith('text '))
      .map((line) => JSON.parse(line.slice(5)) as Received);
  }

  /** The line of the close frame, once read. */
  get closeLine(): string | undefined {
    return this.client.lines.find((line) => line.startsWith('close '));
  }
}

export interface Flood {
  /** Ids of acknowledged messages and of refused messages, in order. */
  readonly routed: string[];
  readonly refused: string[];
}

/** Sends numbered messages of this size to a session, each after the previous answer, until `done`. */
export async function flood(from: Client, to: string, bytes: number, done: (sent: Flood) => boolean): Promise<Flood> {
  const sent: Flood = { routed: [], refused: [] };
  const data = 'f'.repeat(bytes);
  for (let number = 0; !done(sent); number++) {
    from.send({ type: 'flood', receiver: to, id: `${to}/${number}`, data });
    const answer = await answerTo(from, `${to}/${number}`);
    if (answer.type === 'sys.ack') sent.routed.push(answer.ref!);
    else if (answer.data.code === 'receiver_overloaded') sent.refused.push(answer.ref!);
    else throw new Error(`unexpected answer: ${JSON.stringify(answer)}`);
  }
  return sent;
}

/** Takes the one answer to a message. */
export async function answerTo(client: Client, id: string): Promise<Received> {
  await client.settled();
  const index = client.inbox.findIndex(({ ref }) => ref === id);
  if (index === -1) throw new Error(`no answer to ${id}`);
  return client.inbox.splice(index, 1)[0]!;
}
