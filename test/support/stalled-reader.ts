import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import type { Client, Received } from './client.js';
import { RawClient } from './raw-client.js';
import type { TestServer } from './server.js';

/** A client that stops reading and goes on when it is told to; the server's side of it can be looked at. */
export class StalledReader {
  private constructor(
    readonly client: RawClient,
    readonly session: Session,
  ) {}

  static async open(server: TestServer): Promise<StalledReader> {
    const client = await RawClient.open(server.port);
    client.socket.pause();
    return new StalledReader(client, server.app.get(SessionRegistry).find(client.id)!);
  }

  get id(): string {
    return this.client.id;
  }

  /** The server's end of the connection. */
  get sink(): Socket {
    return (this.session.connection as GatewaySocket).sink;
  }

  get waitingBytes(): number {
    return this.session.outbox.bufferedBytes;
  }

  /** Reads until this holds or the connection is over; stops reading then, or goes on. */
  async readUntil(done: () => boolean, then: 'stop' | 'go on' = 'go on'): Promise<void> {
    this.client.socket.resume();
    while (!this.client.over && !done()) await turn();
    if (then === 'stop') this.client.socket.pause();
  }

  /** The envelopes it has read. */
  read(): Received[] {
    return this.client.lines
      .filter((line) => line.startsWith('text '))
      .map((line) => JSON.parse(line.slice(5)) as Received);
  }

  /** The line of the close frame, once it was read. */
  get farewell(): string | undefined {
    return this.client.lines.find((line) => line.startsWith('close '));
  }
}

export interface Flood {
  /** Ids of messages that were acknowledged and of those that were refused, in order. */
  readonly routed: string[];
  readonly refused: string[];
}

/** Sends numbered messages of so many bytes to a session, one after the other's answer, until `done`. */
export async function flood(
  from: Client,
  to: string,
  bytes: number,
  done: (logRateLimiter: Flood) => boolean,
): Promise<Flood> {
  const sent: Flood = { routed: [], refused: [] };
  const data = 'f'.repeat(bytes);
  for (let number = 0; !done(sent); number++) {
    from.send({ type: 'flood', receiver: to, id: `${to}/${number}`, data });
    const answer = await answerTo(from, `${to}/${number}`);
    if (answer.type === 'sys.ack') sent.routed.push(answer.ref!);
    else if (answer.data.code === 'receiver_overloaded') sent.refused.push(answer.ref!);
    else throw new Error(`an odd answer: ${JSON.stringify(answer)}`);
  }
  return sent;
}

/** Takes the one answer to a message that was sent. */
export async function answerTo(client: Client, id: string): Promise<Received> {
  await client.settled();
  const index = client.inbox.findIndex(({ ref }) => ref === id);
  if (index === -1) throw new Error(`no answer to ${id}`);
  return client.inbox.splice(index, 1)[0]!;
}
