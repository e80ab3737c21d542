import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { UPGRADE_HEADERS } from '../support/raw-http.js';
import { gather, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const FILL = 'f'.repeat(30_000);
/** More than the buffers of the system and of a proxy hold. */
const MOST_MESSAGES = 5000;

type Data = Received['data'];

describe.each(['on', 'off'])('a session that reads too slowly (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let ann: Client;
  let bob: Client;
  let slow: RawClient;
  let bobHasLeft: boolean;
  let sent: number;
  afterEach(async () => {
    slow.socket.destroy();
    await server.stop();
  });

  /** Opens a sender, a receiver and a slow receiver: members of one room, the last two sessions of one user. */
  async function start(): Promise<void> {
    const settings = { FAST_LANE, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', HEARTBEAT_MS: '600000' };
    const limits = { OUTBOX_HIGH_WATER_BYTES: '262144', SLOW_CONSUMER_MS: '600000' };
    server = await startServer({ ...AUTH, AUTH: 'optional', ...settings, ...limits });
    const zoe = await token({ sub: 'zoe' });
    [ann, bob] = [await server.connect(), await connect(server.url, bearer(zoe))];
    const headers = [...UPGRADE_HEADERS, `Authorization: Bearer ${zoe}`];
    slow = await RawClient.open(server.port, { headers, endsItself: true });
    await gather('garden', ann, bob);
    slow.write(envelopeFrame({ type: 'sys.join', receiver: '#garden' }));
    await slow.envelopeOf('sys.members');
    await settle(ann, bob);
    for (const { inbox } of [ann, bob]) inbox.splice(0);
    slow.socket.pause();
    bobHasLeft = false;
    sent = 0;
  }

  /** Sends the next numbered message, and waits until the other receiver has it. Returns the data of its answer. */
  async function fill(receiver: string): Promise<Data> {
    if (sent === MOST_MESSAGES) throw new Error('no receiver is too slow');
    ann.send({ type: 'fill', receiver, id: `${sent}`, data: [sent, FILL] });
    const { data } = await ann.answer(`${sent++}`);
    // Otherwise a busy machine could make the other receiver too slow.
    if (receiver !== slow.id && !bobHasLeft) expect((await bob.next('fill')).data).toEqual([sent - 1, FILL]);
    return data;
  }

  /** Sends numbered messages until the data of an answer fits. Returns the data of all answers. */
  async function fillUntil(receiver: string, fits: (data: Data) => boolean): Promise<Data[]> {
    const answers = [await fill(receiver)];
    while (!fits(answers.at(-1))) answers.push(await fill(receiver));
    return answers;
  }

  /** Lets the slow session read until it has a message of this type. Returns all that it has read. */
  async function readUntil(type: string): Promise<Received[]> {
    const fits = (line: string): boolean => line.includes(`"type":"${type}"`);
    if (!slow.lines.some(fits)) {
      const read = slow.until(fits);
      slow.socket.resume();
      await read;
    }
    return slow.lines.filter((line) => line.startsWith('text ')).map((line) => JSON.parse(line.slice(5)) as Received);
  }

  /** Sends to the slow session until it has room, so that it has read all before. */
  async function readAll(): Promise<Received[]> {
    slow.socket.resume();
    for (let status = ''; status !== 'routed';) {
      ann.send({ type: 'end', receiver: slow.id, id: 'end' });
      status = ((await ann.answer('end')).data as { status?: string }).status ?? '';
    }
    return readUntil('end');
  }

  /**
   * Returns how many messages the gaps have, each of which stands in the place of the messages that are missing there.
   *
   * @param missedNotices in all gaps
   */
  function gapsIn(read: readonly Received[], missedNotices = 0): number {
    let gaps = 0;
    let next = 0;
    let notices = 0;
    for (const { type, data } of read) {
      if (type === 'sys.gap') {
        const gap = data as { messages: number; notices: number };
        expect(Object.keys(gap)).toEqual(['messages', 'notices']);
        gaps += gap.messages;
        next += gap.messages;
        notices += gap.notices;
      } else if (type === 'fill') expect((data as [number])[0]).toBe(next++);
    }
    expect([next, notices]).toEqual([sent, missedNotices]);
    return gaps;
  }

  it('gets the number of room messages that it missed, at their place, as soon as it reads again', async () => {
    await start();
    const answers = await fillUntil('#garden', ({ skipped }) => skipped !== undefined);
    for (const answer of answers.slice(0, -1)) expect(answer).toEqual({ status: 'accepted' });
    expect(answers.at(-1)).toEqual({ status: 'accepted', skipped: 1 });
    for (let count = 0; count < 5; count++) answers.push(await fill('#garden'));
    const [gap] = (await readUntil('sys.gap')).filter(({ type }) => type === 'sys.gap');
    expect(gap).toMatchObject({ type: 'sys.gap', sender: 'server', receiver: slow.id });
    const skipped = answers.filter((answer) => (answer as { skipped?: number }).skipped === 1).length;
    expect(gapsIn(await readAll())).toBe(skipped);
    await settle(bob);
    expect(bob.inbox).toEqual([]);
  });

  it('gets the number of each gap at its place', async () => {
    await start();
    const kept: RawClient['frames'] = [];
    let skipped = 0;
    for (let round = 0; round < 3; round++) {
      slow.socket.pause();
      skipped += (await fillUntil('#garden', (data) => data.skipped === 1)).filter((data) => data.skipped === 1).length;
      await readUntil('sys.gap');
      for (let count = 0; count < 3; count++) skipped += (await fill('#garden')).skipped === 1 ? 1 : 0;
      kept.push(...slow.frames.splice(0));
    }
    slow.frames.unshift(...kept);
    const read = await readAll();
    expect(gapsIn(read)).toBe(skipped);
    expect(read.filter(({ type }) => type === 'sys.gap').length).toBeGreaterThanOrEqual(3);
  });

  it('gets the number of notices of its room that it missed', async () => {
    await start();
    await fillUntil('#garden', ({ skipped }) => skipped === 1);
    for (let guests = 0; guests < 3; guests++) {
      const guest = await server.connect();
      guest.send({ type: 'sys.join', receiver: '#garden' });
      expect(await bob.next('sys.joined')).toMatchObject({ sender: guest.id });
      await guest.close(1000);
      expect(await bob.next('sys.left')).toMatchObject({ sender: guest.id });
    }
    await settle(ann, bob);
    const read = await readAll();
    expect(gapsIn(read, 6)).toBe(1);
    expect(read.filter(({ type }) => type === 'sys.joined' || type === 'sys.left')).toEqual([]);
  });

  it('gets the number of broadcasts that it missed', async () => {
    await start();
    await fillUntil(slow.id, ({ code }) => code === 'receiver_overloaded');
    sent--; // the refused message was not queued
    for (let count = 0; count < 3; count++) expect((await fill('*')).status).toBe('accepted');
    await settle(ann);
    expect(gapsIn(await readAll())).toBeGreaterThan(0);
    await settle(bob);
    expect(bob.inbox).toEqual([]);
  });

  it('gets the number of messages to its user that its other session got alone', async () => {
    await start();
    const answers = await fillUntil('@zoe', ({ sessions }) => sessions === 1);
    for (const answer of answers.slice(0, -1)) expect(answer).toEqual({ status: 'routed', sessions: 2 });
    expect(answers.at(-1)).toEqual({ status: 'routed', sessions: 1 });
    expect(gapsIn(await readAll())).toBe(1);
    await settle(bob);
    expect(bob.inbox).toEqual([]);
  });

  it('makes a message to its user receiver_overloaded where all are too slow, and gets the number of such messages', async () => {
    await start();
    await bob.close();
    bobHasLeft = true;
    await settle(ann);
    const answers = await fillUntil('@zoe', ({ code }) => code !== undefined);
    expect(answers.at(-1)).toMatchObject({ code: 'receiver_overloaded' });
    for (const answer of answers.slice(0, -1)) expect(answer).toEqual({ status: 'routed', sessions: 1 });
    expect(gapsIn(await readAll())).toBe(1);
  });
});
