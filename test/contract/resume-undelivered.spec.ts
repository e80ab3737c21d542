import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import { authorized, cutAndAwait, kick, LANES, QUIET } from '../support/resume.js';
import { gather, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

describe.each(LANES)('sys.undelivered (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let bob: Client;
  let ann: ResumableClient;
  /** Gets the departures, which a test awaits. */
  let watcher: Client;
  afterEach(() => server.stop());

  /** Starts a server with a sender, and a client of the user zoe that reports only on request. */
  async function start(variables: Record<string, string> = {}): Promise<void> {
    server = await startServer({ ...AUTH, AUTH: 'optional', ...QUIET, FAST_LANE, ...variables });
    [bob, watcher] = [await server.connect(), await server.connect()];
    ann = await openAs('zoe');
    watcher.send({ type: 'sys.watch', receiver: '@zoe', id: 'w' });
    await watcher.answer('w');
  }

  const openAs = async (sub: string): Promise<ResumableClient> =>
    ResumableClient.open(server, { ...authorized(await token({ sub })), reports: 'on request' });

  /** Waits until all sessions of the user zoe have ended. Returns these notices of the sender, and what else it has received. */
  async function ended(count: number): Promise<Received[]> {
    expect((await watcher.next('sys.presence')).data).toMatchObject({ online: false });
    const notices: Received[] = [];
    while (notices.length < count) notices.push(await bob.next('sys.undelivered'));
    await settle(watcher, bob);
    return [...notices, ...bob.inbox.splice(0)];
  }

  /** Ends the session by server code. */
  async function kicked(count: number): Promise<Received[]> {
    await kick(server, ann);
    return ended(count);
  }

  const undelivered = (sender: { readonly id: string }, ref: string, receiver = ann.id): object => ({
    type: 'sys.undelivered',
    sender: 'server',
    receiver: sender.id,
    ref,
    data: { receiver },
  });

  /** Sends messages with these ids, and waits for their acks. */
  async function send(sender: Client | ResumableClient, receiver: string, ...ids: readonly string[]): Promise<void> {
    for (const id of ids) sender.send({ type: 'm', receiver, id, data: { id } });
    for (const id of ids) expect((await sender.answer(id)).type).toBe('sys.ack');
  }

  it('is sent once for each message with an id that was held', async () => {
    await start();
    await cutAndAwait(ann, bob);
    await send(bob, ann.id, '1', '2', '3');
    bob.send({ type: 'm', receiver: ann.id, data: 'without an id' });
    await bob.settled();
    expect(await kicked(3)).toEqual(['1', '2', '3'].map((ref) => undelivered(bob, ref)));
  });

  it('is sent for messages that were put on the connection and not seen', async () => {
    await start();
    await send(bob, ann.id, '1', '2', '3', '4');
    await expect.poll(() => ann.frames.length, { interval: 5 }).toBe(4);
    ann.line.report(2);
    await ann.settled();
    await cutAndAwait(ann, bob);
    expect(await kicked(2)).toEqual(['3', '4'].map((ref) => undelivered(bob, ref)));
  });

  it('is not sent for messages that were seen, or received by the count of a return', async () => {
    await start();
    await send(bob, ann.id, '1', '2');
    await expect.poll(() => ann.frames.length, { interval: 5 }).toBe(2);
    ann.cut();
    await ann.resume();
    await send(bob, ann.id, '3');
    ann.cut();
    expect(await kicked(1)).toEqual([undelivered(bob, '3')]);
  });

  it('is sent where the client ends the session without having seen them', async () => {
    await start();
    await send(bob, ann.id, '1', '2', '3');
    await expect.poll(() => ann.frames.length, { interval: 5 }).toBe(3);
    ann.line.report(1);
    await ann.close(1000);
    expect(await ended(2)).toEqual(['2', '3'].map((ref) => undelivered(bob, ref)));
  });

  it('is sent to each sender for its own messages', async () => {
    await start();
    const eve = await server.connect();
    await cutAndAwait(ann, bob);
    await send(bob, ann.id, 'b1');
    await send(eve, ann.id, 'e1');
    await send(bob, ann.id, 'b2');
    expect(await kicked(2)).toEqual([undelivered(bob, 'b1'), undelivered(bob, 'b2')]);
    expect(await eve.next()).toEqual(undelivered(eve, 'e1'));
  });

  it('is sent for messages to the user of the session, and names the session', async () => {
    await start();
    const second = await openAs('zoe');
    for (const client of [ann, second]) await cutAndAwait(client, bob);
    await send(bob, '@zoe', '1');
    await kick(server, second);
    const notices = await kicked(2);
    expect(notices).toHaveLength(2);
    for (const { id } of [ann, second]) expect(notices).toContainEqual(undelivered(bob, '1', id));
  });

  it('is not sent for broadcasts and room messages', async () => {
    await start();
    await gather('garden', ann, bob);
    await cutAndAwait(ann, bob);
    await send(bob, '#garden', '1');
    await send(bob, '*', '2');
    await send(bob, ann.id, '3');
    const notices = (await kicked(1)).filter(({ type }) => type !== 'sys.left');
    expect(notices).toEqual([undelivered(bob, '3')]);
  });

  it('is kept for a sender that is away', async () => {
    await start();
    const eve = await openAs('eve');
    await send(eve, ann.id, '1');
    await cutAndAwait(eve, bob);
    await kicked(0);
    await eve.resume();
    expect(await eve.next()).toEqual(undelivered(eve, '1'));
  });

  it('is sent to nobody where the sender has ended', async () => {
    await start();
    const eve = await connect(server.url, bearer(await token({ sub: 'eve' })));
    await cutAndAwait(ann, bob);
    await send(eve, ann.id, '1');
    await eve.close(1000);
    expect(await kicked(0)).toEqual([]);
  });

  it('names messages of any form, whose ids and data have other characters', async () => {
    await start();
    await cutAndAwait(ann, bob);
    const ids = ['"', '\\', 'ü漢💩', '\u0000', ' ', 'ref'];
    for (const id of ids) bob.send({ data: { id: 'x', type: 'sys.ack' }, id, receiver: ann.id, type: 'm' });
    bob.sendText(`{"\\u0069d":"escaped","type":"m","receiver":"${ann.id}"}`);
    for (const id of [...ids, 'escaped']) expect((await bob.answer(id)).type).toBe('sys.ack');
    expect(await kicked(7)).toEqual([...ids, 'escaped'].map((ref) => undelivered(bob, ref)));
  });

  it('is sent for each of many messages', async () => {
    await start();
    await cutAndAwait(ann, bob);
    const ids = Array.from({ length: 1000 }, (_, number) => `${number}`);
    await send(bob, ann.id, ...ids);
    expect(await kicked(1000)).toEqual(ids.map((ref) => undelivered(bob, ref)));
  });

  it('is sent when RESUME_WINDOW_MS is over', async () => {
    await start({ RESUME_WINDOW_MS: '300' });
    await send(bob, ann.id, '1');
    ann.cut();
    expect(await ended(1)).toEqual([undelivered(bob, '1')]);
  });
});
