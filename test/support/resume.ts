import { expect } from 'vitest';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { HandshakeError } from '../../src/testing/start.js';
import { connect, type Client } from './client.js';
import { ResumableClient } from './resumable-client.js';
import type { LineOptions, Resumption, ReturnOptions } from './resumable-line.js';
import type { TestServer } from './server.js';

/** Settings of a server whose notices do not come between the messages of a test. */
export const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', AWAY_NOTICE_MS: '0' };

/** Values of FAST_LANE. Several nodes and proxies see no difference between the two paths of a frame in a node. */
export const LANES = (process.env['TEST_NODES'] ?? process.env['TEST_FRONT']) ? ['on'] : ['on', 'off'];

/** A well-formed token that no server has given. */
export const NO_TOKEN = 'x'.repeat(46);

/** The part of a client that asks and waits. */
type Observer = Pick<Client, 'id' | 'inbox' | 'send' | 'answer' | 'settled'>;

/** Headers with a token of a user. */
export const authorized = (jwt: string): Required<Pick<LineOptions, 'headers'>> => ({
  headers: [`Authorization: Bearer ${jwt}`],
});

/** Returns the entry of a session in `sys.who`; `undefined` for any other session. */
export async function entryOf(observer: Observer, id: string, receiver?: string): Promise<unknown> {
  observer.send({ type: 'sys.who', receiver, id: 'entry', data: { limit: 1000 } });
  const { data } = await observer.answer('entry');
  const { sessions } = data as { sessions: (string | { id: string })[] };
  return sessions.find((entry) => (typeof entry === 'string' ? entry : entry.id) === id);
}

/** Waits until a session is away for the node of the observer. */
export async function untilAway(observer: Observer, id: string): Promise<void> {
  await expect.poll(() => entryOf(observer, id), { interval: 5 }).toEqual({ id, away: true });
}

/** Loses the connection of a client, and waits until its session is away. */
export async function cutAndAwait(client: ResumableClient, observer: Observer): Promise<void> {
  client.cut();
  await untilAway(observer, client.id);
}

/** Ends a session of any node by server code. */
export async function kick({ app }: TestServer, { id }: { readonly id: string }): Promise<void> {
  expect(await app.get(Switchboard, { strict: false }).closeAnywhere(id)).toBe(true);
}

/** Sends a message with an `id` and returns the data of its answer. */
export async function sendTo(sender: Observer, receiver: string, data?: unknown, id = 'm'): Promise<unknown> {
  sender.send({ type: 'm', receiver, id, data });
  return (await sender.answer(id)).data;
}

/** Attempts a handshake that offers to resume. Returns `accepted`, or status and code of the rejection. */
export async function attempt(
  server: TestServer,
  offer: string,
  by: LineOptions['by'] = 'subprotocol',
): Promise<string> {
  const parameters =
    by === 'header' ? { headers: { 'switchboard-resume': offer } } : { protocols: ['switchboard.v1', offer] };
  try {
    await (await connect(server.url, parameters)).close(1000);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return `${error.status} ${error.code}`;
  }
}

/**
 * Attempts to return with a token that must not be good. Returns the reason why a new session was opened instead, or
 * `unavailable` where the token may name a node that cannot be asked now.
 */
export async function refusalOf({ port }: TestServer, token: string, options: ReturnOptions = {}): Promise<string> {
  try {
    const visitor = await ResumableClient.return({ port }, { frames: 0, ...options, token });
    const { resumed, reason, resume } = visitor.welcome.data as Resumption;
    expect(resumed).toBe(false);
    expect(resume?.token).not.toBe(token);
    await visitor.close(1000);
    return reason!;
  } catch (error) {
    if (error instanceof HandshakeError && error.status === 503) return 'unavailable';
    throw error;
  }
}
