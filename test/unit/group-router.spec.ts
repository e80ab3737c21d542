import { beforeEach, describe, expect, it } from 'vitest';
import { decode, EnvelopeScanner, textFrame } from '../../src/protocol/index.js';
import { Groups, received, remoteId } from '../support/groups.js';
import type { SessionRateLimiter } from '../../src/sessions/session-rate-limiter.js';
import { FakeConnection, type FakeSession } from '../support/sessions.js';

const RETRY_AFTER_MS = 250;
const HIGH_WATER_BYTES = 16_384;

/** A limiter that records the receivers that it is charged for, and is over its rate where a test says so. */
class RecordingLimiter {
  readonly charged: number[] = [];
  waitMs = 0;

  chargeBroadcast(receivers: number): number {
    if (this.waitMs === 0) this.charged.push(receivers);
    return this.waitMs;
  }

  /** Limits a session. */
  limit(limited: FakeSession): FakeSession {
    limited.session.rateLimiter = this as unknown as SessionRateLimiter;
    return limited;
  }
}

describe('the router of users and rooms', () => {
  const scanner = new EnvelopeScanner();
  let groups: Groups;

  beforeEach(() => {
    groups = new Groups({ ARRIVAL_NOTICES: 'off', OUTBOX_HIGH_WATER_BYTES: String(HIGH_WATER_BYTES) });
  });

  function message(receiver: string): string {
    return JSON.stringify({ type: 'chat', receiver, id: '1', data: 'hello' });
  }

  /** Sends on the fast path; returns whether it was taken. */
  function sendFast({ session }: FakeSession, receiver: string): boolean {
    const bytes = Buffer.from(message(receiver));
    expect(scanner.scan(bytes, 0, bytes.length, 0)).toBe(true);
    return groups.router.tryRoute(session, scanner);
  }

  function sendSlow({ session }: FakeSession, receiver: string): void {
    groups.router.route(session, decode(message(receiver)), receiver);
  }

  /** Sends on the fast path, and else on the slow one, as the gateway does. */
  function send(sender: FakeSession, receiver: string): void {
    if (!sendFast(sender, receiver)) sendSlow(sender, receiver);
  }

  function join(room: string, ...sessions: readonly FakeSession[]): void {
    for (const { session } of sessions) groups.rooms.join(session, room);
  }

  function joinRemote(id: string, room: string): void {
    groups.localNode.remoteArrived({ id });
    groups.localNode.remoteJoined(id, room);
  }

  /** The data of the last message that a session got. */
  function last(each: FakeSession): unknown {
    received(each);
    const { type, data, ref } = each.connection.envelopes.at(-1)!;
    return { type, data, ref };
  }

  /** Messages that a session got. */
  function messages(each: FakeSession): string[] {
    return received(each).filter((text) => text.startsWith('chat'));
  }

  /** Opens a session that does not read and whose outbox is full. */
  function openSlow(user?: string): FakeSession {
    const connection = new FakeConnection();
    connection.sink.stalled = true;
    const slow = groups.open(user, connection);
    slow.session.send(textFrame(JSON.stringify({ type: 'long', data: 'x'.repeat(4 * HIGH_WATER_BYTES) })));
    slow.session.outbox.flushAll();
    expect(slow.session.outbox.overloaded).toBe(true);
    return slow;
  }

  describe.each([
    ['fast', sendFast],
    ['slow', sendSlow],
  ])('on the %s path', (path, route) => {
    function sendTo(sender: FakeSession, receiver: string): void {
      expect(route(sender, receiver)).toBe(path === 'fast' ? true : undefined);
    }

    it.each([3, 100])('sends a message to all other of %i members, and to nobody else', (count) => {
      const all = groups.openAll(count);
      const stranger = groups.open();
      join('garden', ...all);
      sendTo(all[0]!, '#garden');
      expect(all.map((each) => messages(each).length)).toEqual(all.map((each) => (each === all[0] ? 0 : 1)));
      expect(messages(stranger)).toEqual([]);
      expect(last(all[0]!)).toEqual({ type: 'sys.ack', ref: '1', data: { status: 'accepted' } });
      const [, other] = all;
      expect(other!.connection.envelopes.at(-1)).toEqual({
        sender: all[0]!.session.id,
        type: 'chat',
        receiver: '#garden',
        id: '1',
        data: 'hello',
      });
    });

    it('skips members that read too slowly, and counts them', () => {
      const sender = groups.open();
      join('garden', sender, openSlow(), groups.open());
      sendTo(sender, '#garden');
      expect(last(sender)).toMatchObject({ data: { status: 'accepted', skipped: 1 } });
    });

    it('sends a message to all other sessions of a user', () => {
      const [one, two, three] = ['ann', 'ann', 'ben'].map((user) => groups.open(user));
      sendTo(one!, '@ann');
      expect([one, two, three].map((each) => messages(each!))).toEqual([[], ['chat @ann'], []]);
      expect(last(one!)).toEqual({ type: 'sys.ack', ref: '1', data: { status: 'routed', sessions: 1 } });
      sendTo(three!, '@ann');
      expect(last(three!)).toMatchObject({ data: { status: 'routed', sessions: 2 } });
    });

    it('passes over a session of a user that reads too slowly', () => {
      const sender = groups.open();
      groups.open('ann');
      openSlow('ann');
      sendTo(sender, '@ann');
      expect(last(sender)).toMatchObject({ data: { status: 'routed', sessions: 1 } });
    });

    it('charges the receivers on all nodes', () => {
      const limiter = new RecordingLimiter();
      const sender = limiter.limit(groups.open('ann'));
      join('garden', sender, groups.open(), groups.open('ann'));
      joinRemote(remoteId('A', 1), 'garden');
      groups.localNode.remoteArrived({ id: remoteId('A', 2), user: 'ann' });
      sendTo(sender, '#garden');
      sendTo(sender, '@ann');
      expect(limiter.charged).toEqual([3, 2]);
    });

    it('acknowledges a message when the receipts of all nodes are there', () => {
      const sender = groups.open();
      join('garden', sender, openSlow());
      for (const node of ['A', 'A', 'B']) joinRemote(remoteId(node, groups.rooms.size('garden')), 'garden');
      sendTo(sender, '#garden');
      const { queued } = groups.backplane;
      expect(queued.map(({ nodeId, receiver }) => `${nodeId} ${receiver}`)).toEqual([
        'AAAAAAAA #garden',
        'BBBBBBBB #garden',
      ]);
      queued[1]!.callback({ delivered: 1, skipped: 0 });
      expect(received(sender).filter((text) => text.startsWith('sys.ack'))).toEqual([]);
      queued[0]!.callback({ delivered: 1, skipped: 1 });
      expect(last(sender)).toEqual({ type: 'sys.ack', ref: '1', data: { status: 'accepted', skipped: 2 } });
    });

    it.each([
      ['cannot be reached', (): void => void groups.backplane.unreachable.add('BBBBBBBB')],
      ['does not answer', (): void => undefined],
    ])('answers unavailable where one of the nodes %s', (_, fail) => {
      fail();
      const sender = groups.open();
      join('garden', sender);
      for (const node of ['A', 'B']) joinRemote(remoteId(node, 1), 'garden');
      sendTo(sender, '#garden');
      const [one, two] = groups.backplane.queued;
      one!.callback({ delivered: 1, skipped: 0 });
      two?.callback('unavailable');
      expect(last(sender)).toMatchObject({ type: 'sys.error', ref: '1', data: { code: 'unavailable' } });
    });

    it.each([
      [
        'unavailable, and why, where one of the nodes failed',
        [{ delivered: 2, skipped: 0 }, 'unavailable'],
        { code: 'unavailable', message: expect.stringContaining('Not all sessions of the user') as string },
      ],
      [
        'unavailable where a node failed and nobody got it',
        [{ delivered: 0, skipped: 1 }, 'unavailable'],
        { code: 'unavailable', message: expect.stringMatching(/^(?!Not all)/) as string },
      ],
      [
        'receiver_overloaded where all read too slowly',
        [
          { delivered: 0, skipped: 1 },
          { delivered: 0, skipped: 1 },
        ],
        { code: 'receiver_overloaded' },
      ],
      [
        'receiver_not_found where all have left',
        [
          { delivered: 0, skipped: 0 },
          { delivered: 0, skipped: 0 },
        ],
        { code: 'receiver_not_found' },
      ],
    ] as const)('answers a message to a user %s', (_, outcomes, data) => {
      const sender = groups.open();
      for (const node of ['A', 'B']) groups.localNode.remoteArrived({ id: remoteId(node, 1), user: 'ann' });
      sendTo(sender, '@ann');
      for (const [index, outcome] of outcomes.entries()) groups.backplane.queued[index]!.callback(outcome);
      expect(last(sender)).toMatchObject({ data });
    });
  });

  it.each([
    ['not_joined', '#garden', 'of a session that is no member'],
    ['receiver_not_found', '@nobody', 'to a user without a session'],
    ['receiver_not_found', '@ann', 'to the own user without another session'],
  ])('answers %s to a message to %s, %s', (code, receiver) => {
    const sender = groups.open('ann');
    join('garden', groups.open());
    expect(() => send(sender, receiver)).toThrow(expect.objectContaining({ code, ref: '1' }));
  });

  it('answers receiver_overloaded where all sessions of a user read too slowly', () => {
    openSlow('ann');
    expect(() => send(groups.open(), '@ann')).toThrow(expect.objectContaining({ code: 'receiver_overloaded' }));
  });

  it.each(['#garden', '@ann'])(
    'answers rate_limited to a message to %s over the rate, and sends nothing',
    (receiver) => {
      const limiter = new RecordingLimiter();
      const sender = limiter.limit(groups.open('ann'));
      const other = groups.open('ann');
      join('garden', sender, other);
      limiter.waitMs = RETRY_AFTER_MS;
      const details = { retryAfterMs: RETRY_AFTER_MS };
      expect(() => send(sender, receiver)).toThrow(expect.objectContaining({ code: 'rate_limited', details }));
      expect(messages(other)).toEqual([]);
    },
  );

  it.each(['#garden', '@ann'])('answers forbidden to a message to %s that the permissions refuse', (receiver) => {
    const [sender, other] = [groups.open('ann'), groups.open('ann')];
    join('garden', sender, other);
    groups.permissions.send = false;
    expect(() => send(sender, receiver)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(messages(other)).toEqual([]);
  });

  it('sends a message from outside where the permissions allow it, also to a room without members', () => {
    groups.permissions.sendFromOutside = true;
    const [sender, member] = [groups.open(), groups.open()];
    join('garden', member);
    send(sender, '#garden');
    expect(messages(member)).toEqual(['chat #garden']);
    send(sender, '#nowhere');
    expect(last(sender)).toEqual({ type: 'sys.ack', ref: '1', data: { status: 'accepted' } });
  });

  it('does not take a room that is gone for the next one of its name', () => {
    const [sender, other] = [groups.open(), groups.open()];
    join('garden', sender);
    expect(sendFast(sender, '#garden')).toBe(true);
    groups.rooms.leave(sender.session, 'garden');
    expect(sendFast(sender, '#garden')).toBe(false);
    join('garden', other, sender);
    expect(sendFast(sender, '#garden')).toBe(true);
    expect(messages(other)).toEqual(['chat #garden']);
  });

  it('sends nothing to a node whose last member has left', () => {
    const sender = groups.open();
    join('garden', sender);
    for (const number of [1, 2]) joinRemote(remoteId('A', number), 'garden');
    joinRemote(remoteId('B', 1), 'garden');
    groups.localNode.remoteLeft(remoteId('B', 1), 'garden');
    groups.localNode.remoteDeparted(remoteId('A', 1), 1000);
    send(sender, '#garden');
    expect(groups.backplane.queued.splice(0).map(({ nodeId }) => nodeId)).toEqual(['AAAAAAAA']);
    groups.localNode.remoteDeparted(remoteId('A', 2), 1000);
    send(sender, '#garden');
    expect(groups.backplane.queued).toEqual([]);
  });

  it('keeps the order of messages and notices', () => {
    const [one, two] = [groups.open('ann'), groups.open('ben')];
    join('garden', one, two);
    const three = groups.open('cem');
    join('garden', three);
    send(three, '#garden');
    send(three, '@ann');
    sendSlow(three, '#garden');
    groups.rooms.leave(three.session, 'garden');
    expect(received(one).slice(1)).toEqual([
      'sys.joined #garden',
      'chat #garden',
      'chat @ann',
      'chat #garden',
      'sys.left #garden',
    ]);
  });

  describe('for server code', () => {
    const frame = textFrame('{"type":"news","sender":"server","receiver":"#garden"}');

    it('sends to all members but the sender, member or not', () => {
      const [one, two, three] = groups.openAll(3) as [FakeSession, FakeSession, FakeSession];
      join('garden', one, two);
      expect(groups.router.deliver(one.session, '#garden', frame)).toEqual({ delivered: 1, skipped: 0 });
      expect(groups.router.deliver(three.session, '#garden', frame)).toEqual({ delivered: 2, skipped: 0 });
      expect(groups.router.deliver('server', '#garden', frame)).toEqual({ delivered: 2, skipped: 0 });
      expect(groups.router.deliver('server', '#nowhere', frame)).toEqual({ delivered: 0, skipped: 0 });
    });

    it('resolves with the sum of the receipts, and rejects where a node cannot be reached', async () => {
      join('garden', groups.open());
      joinRemote(remoteId('A', 1), 'garden');
      const delivering = groups.router.deliver('server', '#garden', frame);
      groups.backplane.queued[0]!.callback({ delivered: 3, skipped: 2 });
      await expect(delivering).resolves.toEqual({ delivered: 4, skipped: 2 });
      groups.backplane.unreachable.add('AAAAAAAA');
      await expect(groups.router.deliver('server', '#garden', frame)).rejects.toMatchObject({ code: 'unavailable' });
    });

    it.each([
      ['#', 'invalid_message'],
      ['#two words', 'invalid_message'],
      ['@', 'invalid_message'],
      [`@${'a'.repeat(128)}`, 'invalid_message'],
      ['@nobody', 'receiver_not_found'],
    ])('refuses the receiver %s with %s', (receiver, code) => {
      expect(() => groups.router.deliver('server', receiver, frame)).toThrow(expect.objectContaining({ code }));
    });
  });

  it('copies a message of another node once, and counts the members that got it', () => {
    const [one, two] = groups.openAll(2) as [FakeSession, FakeSession];
    join('garden', one, two, openSlow());
    const bytes = Buffer.from(textFrame('{"type":"chat","sender":"x","receiver":"#garden"}'));
    const { localNode } = groups;
    expect(localNode.deliverToGroup(remoteId('A', 1), '#garden', bytes as never)).toEqual({ delivered: 2, skipped: 1 });
    expect(localNode.deliverToGroup(remoteId('A', 1), '#nowhere', bytes as never)).toEqual({
      delivered: 0,
      skipped: 0,
    });
    expect(localNode.deliverToGroup(remoteId('A', 1), '@ann', bytes as never)).toEqual({ delivered: 0, skipped: 0 });
    bytes.fill(0);
    expect(messages(one)).toEqual(['chat #garden']);
  });

  it('sends a session the change that server code made', () => {
    const [one, two] = groups.openAll(2) as [FakeSession, FakeSession];
    const { localNode } = groups;
    expect(localNode.changeRoom('join', one.session.id, 'garden')).toBeUndefined();
    expect(localNode.changeRoom('join', one.session.id, 'garden')).toBeUndefined();
    expect(localNode.changeRoom('join', two.session.id, 'garden')).toBeUndefined();
    expect(received(one)).toEqual(['sys.members me', 'sys.joined #garden']);
    expect(last(two)).toMatchObject({ type: 'sys.members', data: { room: 'garden', total: 2 } });
    localNode.changeRoom('leave', one.session.id, 'garden');
    localNode.changeRoom('leave', one.session.id, 'garden');
    expect(received(one).slice(2)).toEqual(['sys.left #garden']);
    expect(received(two).slice(1)).toEqual(['sys.left #garden']);
    expect(localNode.changeRoom('join', remoteId('A', 1), 'garden')).toBe('receiver_not_found');
  });

  it('records peers of messages to users, and not of room messages', () => {
    groups = new Groups({ NOTICE_SCOPE: 'peers', ARRIVAL_NOTICES: 'off' });
    const [ann, ben, cem] = ['ann', 'ben', 'cem'].map((user) => groups.open(user)) as [
      FakeSession,
      FakeSession,
      FakeSession,
    ];
    join('garden', ann, ben, cem);
    groups.localNode.remoteArrived({ id: remoteId('A', 1), user: 'dora' });
    send(ann, '#garden');
    send(ann, '@ben');
    send(ann, '@dora');
    groups.registry.end(ben.session, 1000);
    groups.registry.end(cem.session, 1000);
    groups.localNode.remoteDeparted(remoteId('A', 1), 1006);
    received(ann);
    const departed = ann.connection.envelopes.filter(({ type }) => type === 'sys.departed');
    expect(departed.map(({ sender }) => sender)).toEqual([ben.session.id, remoteId('A', 1)]);
  });
});
