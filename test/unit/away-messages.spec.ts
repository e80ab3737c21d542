import { beforeEach, describe, expect, it } from 'vitest';
import { decode, textFrame, type Frame } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import { Groups, received, remoteId } from '../support/groups.js';
import { kept } from '../support/resumable.js';
import type { FakeSession } from '../support/sessions.js';

const SMALL_BYTES = 1024;

/** Returns a message of about so many bytes. */
function frame(bytes = 50): Frame {
  return textFrame(JSON.stringify({ type: 'chat', data: 'x'.repeat(bytes) }));
}

function typesKept(session: Session): string[] {
  return kept(session).map(({ type }) => type);
}

describe('messages to a session that is away', () => {
  let groups: Groups;
  let sender: FakeSession;

  beforeEach(() => {
    groups = new Groups({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
    sender = groups.open('sender');
  });

  /** Opens a session whose connection is lost. */
  function openAway(user?: string, maxBytes?: number): FakeSession {
    const away = groups.openResumable(user, maxBytes);
    groups.lose(away);
    expect(away.session.state).toBe('away');
    return away;
  }

  function send(receiver: string): void {
    const text = JSON.stringify({ type: 'chat', receiver, id: '1', data: 'hello' });
    groups.router.route(sender.session, decode(text), receiver);
  }

  function lastAnswer(): unknown {
    received(sender);
    return sender.connection.envelopes.at(-1)!.data;
  }

  it.each(['deliver', 'deliverCopy'] as const)('are held, by %s', (method) => {
    const { session } = openAway();
    expect(groups.localDelivery[method](sender.session, session, frame())).toBe('held');
    expect(typesKept(session)).toEqual(['chat']);
  });

  it.each(['deliver', 'deliverCopy'] as const)('are receiver_overloaded where they do not fit, by %s', (method) => {
    const { session } = openAway(undefined, SMALL_BYTES);
    const outcomes = [600, 600, 100].map((bytes) =>
      groups.localDelivery[method](sender.session, session, frame(bytes)),
    );
    expect(outcomes).toEqual(['held', 'receiver_overloaded', 'held']);
    expect(kept(session)).toHaveLength(2);
  });

  it('are held for a message of another node, and for server code', () => {
    const { session } = openAway();
    expect(groups.localNode.deliverLocal(remoteId('A', 1), session.id, frame())).toBe('held');
    expect(groups.localDelivery.deliver('server', session, frame())).toBe('held');
    expect(kept(session)).toHaveLength(2);
  });

  it('are kept where they are broadcasts, and else counted in sys.gap', () => {
    const { session } = openAway(undefined, SMALL_BYTES);
    const skipped = [300, 900, 300].map((bytes) => groups.localDelivery.fanOut(frame(bytes)));
    expect(skipped).toEqual([0, 1, 0]);
    expect(kept(session).map(({ type, data }) => [type, type === 'sys.gap' && data])).toEqual([
      ['chat', false],
      ['sys.gap', { messages: 1, notices: 0 }],
      ['chat', false],
    ]);
  });

  it('count as members of a room that have the message', () => {
    const away = openAway(undefined, SMALL_BYTES);
    for (const { session } of [sender, away, groups.open()]) groups.rooms.join(session, 'garden');
    send('#garden');
    expect(lastAnswer()).toEqual({ status: 'accepted' });
    expect(groups.router.deliver('server', '#garden', frame(50))).toEqual({ delivered: 2, skipped: 0, held: 1 });
    expect(groups.router.deliver('server', '#garden', frame(2000))).toEqual({ delivered: 2, skipped: 1 });
    expect(groups.localNode.deliverToGroup(remoteId('A', 1), '#garden', frame())).toEqual({
      delivered: 2,
      skipped: 0,
      held: 1,
    });
    expect(typesKept(away.session)).toEqual(['sys.joined', 'chat', 'chat', 'sys.gap', 'chat']);
  });

  it('are held for a user all of whose sessions are away', () => {
    const sessions = [openAway('ann'), openAway('ann')].map(({ session }) => session);
    send('@ann');
    expect(lastAnswer()).toEqual({ status: 'held', sessions: 0, held: 2 });
    expect(sessions.map(typesKept)).toEqual([['chat'], ['chat']]);
  });

  it('are routed for a user one of whose sessions is connected, with the number of the others', () => {
    const { session } = openAway('ann');
    groups.open('ann');
    groups.localNode.remoteArrived({ id: remoteId('A', 1), user: 'ann' });
    send('@ann');
    groups.backplane.queued[0]!.callback({ delivered: 0, skipped: 0, held: 1 });
    expect(lastAnswer()).toEqual({ status: 'routed', sessions: 1, held: 2 });
    expect(typesKept(session)).toEqual(['chat']);
  });

  it('are receiver_overloaded for a user where they fit into no session', () => {
    const { session } = openAway('ann', SMALL_BYTES);
    expect(groups.localDelivery.deliver('server', session, frame(850))).toBe('held');
    expect(() => send('@ann')).not.toThrow();
    expect(groups.localDelivery.deliver('server', session, frame(100))).toBe('receiver_overloaded');
    expect(() => send('@ann')).toThrow(expect.objectContaining({ code: 'receiver_overloaded' }));
  });

  it('leave the session online, in its rooms, and in the list of its user', () => {
    const away = openAway('ann');
    groups.rooms.join(away.session, 'garden');
    expect([groups.users.count('ann'), groups.rooms.size('garden')]).toEqual([1, 1]);
    groups.registry.end(away.session, 1006);
    expect([groups.users.count('ann'), groups.rooms.size('garden')]).toEqual([0, 0]);
  });
});

describe('notices to a session that is away', () => {
  it('are kept where their run fits, and else counted', async () => {
    const groups = new Groups({ NOTICE_WINDOW_MS: '10000' });
    const away = groups.openResumable(undefined, SMALL_BYTES);
    groups.lose(away);
    for (const count of [3, 40, 1]) {
      groups.openAll(count);
      groups.noticeLog.catchUp(away.session);
    }
    expect(kept(away.session).map(({ type, data }) => [type, data as unknown])).toEqual([
      ...Array.from({ length: 3 }, () => ['sys.arrived', undefined]),
      ['sys.gap', { messages: 0, notices: 40 }],
      ['sys.arrived', undefined],
    ]);
  });

  it('of a departure are counted, where the scope is peers', () => {
    const groups = new Groups({ NOTICE_SCOPE: 'peers', ARRIVAL_NOTICES: 'off' });
    const away = groups.openResumable(undefined, SMALL_BYTES);
    const peers = groups.openAll(2);
    for (const { session } of peers) groups.noticeLog.recordExchange(session, away.session);
    groups.lose(away);
    expect(groups.localDelivery.deliver('server', away.session, frame(940))).toBe('held');
    for (const { session } of peers) groups.registry.end(session, 1000);
    expect(typesKept(away.session)).toEqual(['chat']);
    const reserved = away.session.outbox.reserve(1);
    expect(reserved).toBeDefined();
    away.session.outbox.commit(away.session.outbox.used);
    expect(kept(away.session).at(-1)).toMatchObject({ type: 'sys.gap', data: { messages: 0, notices: 2 } });
  });
});

describe('the lists of sessions', () => {
  it('show which sessions are away, on all nodes', () => {
    const groups = new Groups();
    const [near, far] = [groups.openResumable('ann'), remoteId('A', 1)];
    groups.localNode.remoteArrived({ id: far, user: 'ann', rooms: ['garden'] });
    groups.rooms.join(near.session, 'garden');
    const ids = [near.session.id, far].toSorted();
    const entries = (): unknown => groups.pages.members('garden', undefined, 10).sessions;
    expect(entries()).toEqual(ids);
    groups.lose(near);
    groups.localNode.remoteAway(far);
    expect(entries()).toEqual(ids.map((id) => ({ id, away: true })));
    expect(groups.pages.sessions('ann', undefined, 10).sessions).toEqual(entries());
    expect(groups.directory.entries([far], { showUsers: true })).toEqual([{ id: far, user: 'ann', away: true }]);
    groups.localNode.remoteBack(far);
    groups.registry.end(near.session, 1006);
    expect(entries()).toEqual([far]);
  });

  it('follow the snapshots of other nodes', () => {
    const groups = new Groups();
    const id = remoteId('A', 1);
    groups.localNode.remoteAway(id); // an unknown session
    groups.localNode.remoteArrived({ id, away: true });
    expect(groups.directory.isAway(id)).toBe(true);
    groups.localNode.remoteArrived({ id });
    expect(groups.directory.isAway(id)).toBe(false);
    groups.localNode.remoteArrived({ id, away: true });
    groups.localNode.remoteDeparted(id, 1006);
    groups.localNode.remoteArrived({ id: remoteId('A', 2) });
    expect(groups.directory.isAway(id)).toBe(false);
  });

  it('are announced to other nodes with the state of each session', () => {
    const groups = new Groups();
    const away = groups.openResumable('ann');
    groups.rooms.join(away.session, 'garden');
    const connected = groups.open();
    groups.lose(away);
    expect(groups.backplane.announced.slice(-1)).toEqual(['away']);
    expect([...groups.localNode.localSessions()]).toEqual([
      { id: away.session.id, user: 'ann', rooms: ['garden'], away: true },
      { id: connected.session.id, user: undefined, rooms: undefined, away: undefined },
    ]);
  });
});
