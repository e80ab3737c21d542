import { beforeEach, describe, expect, it } from 'vitest';
import type { ClusterDelegate, SessionInfo } from '../../src/cluster/backplane.js';
import { ClockOffset } from '../../src/cluster/membership/clock-offset.js';
import { MemberList } from '../../src/cluster/membership/member-list.js';
import type { Member } from '../../src/cluster/membership/member.js';
import { TICKS_PER_TIMEOUT } from '../../src/cluster/ticks.js';
import { NODE_VERSION, type ClusterEvent, type Snapshot } from '../../src/cluster/wire/node-message.js';
import { snapshotChunks } from '../../src/cluster/wire/snapshot-chunks.js';
import { textFrame } from '../../src/protocol/index.js';
import { decodeMessage } from '../support/decode-message.js';

const nodeId = (name: string): string => name.padEnd(8, '0');
/** Makes the id of a session from its short name, whose first character is the name of its node. */
const sessionId = (name: string): string => `${nodeId(name[0]!)}.${name.padEnd(16, '_')}`;
const nameOf = (id: string): string => id.slice(9).replaceAll('_', '');

/** Keeps remote sessions as the directory does. */
class FakeDirectory implements Partial<ClusterDelegate> {
  /** Changes in their order: `+name`, `-name code`, `name>room`, `name<room`, `name away`, `name back`, `*` for a broadcast. */
  readonly changes: string[] = [];
  /** The id for which an arrival fails. */
  broken: string | undefined;
  readonly #ids = new Set<string>();
  /** The rooms of the last snapshot, by session. */
  readonly rooms = new Map<string, readonly string[]>();

  *remoteSessions(member: string): Iterable<string> {
    for (const id of this.#ids) if (id.startsWith(member)) yield id;
  }

  remoteArrived({ id, rooms }: SessionInfo): void {
    if (nameOf(id) === this.broken) throw new Error('broken');
    if (rooms === undefined) this.rooms.delete(nameOf(id));
    else this.rooms.set(nameOf(id), rooms);
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.changes.push(`+${nameOf(id)}`);
  }

  remoteDeparted(id: string, code: number): void {
    if (this.#ids.delete(id)) this.changes.push(`-${nameOf(id)} ${code}`);
  }

  remoteJoined(id: string, room: string): void {
    this.changes.push(`${nameOf(id)}>${room}`);
  }

  remoteLeft(id: string, room: string): void {
    this.changes.push(`${nameOf(id)}<${room}`);
  }

  remoteAway(id: string): void {
    this.changes.push(`${nameOf(id)} away`);
  }

  remoteBack(id: string): void {
    this.changes.push(`${nameOf(id)} back`);
  }

  broadcast(): void {
    this.changes.push('*');
  }
}

describe('the member list', () => {
  let directory: FakeDirectory;
  let members: MemberList;

  beforeEach(() => {
    directory = new FakeDirectory();
    members = new MemberList(directory as unknown as ClusterDelegate);
  });

  const receive = (name: string, incarnation = 1): Member | undefined =>
    members.receive({ version: NODE_VERSION, nodeId: nodeId(name), incarnation, sentAtMs: 0 });
  const snapshot = (sequence: number, ids: readonly string[], rest: Partial<Snapshot> = {}): Snapshot => ({
    kind: 'snapshot',
    sequence,
    first: true,
    last: true,
    requestsSnapshots: false,
    sessions: ids.map((id) => ({ id: sessionId(id) })),
    departures: [],
    ...rest,
  });
  const arrived = (id: string): ClusterEvent => ({ type: 'arrived', sessionInfo: { id: sessionId(id) } });
  const joined = (id: string): ClusterEvent => ({ type: 'joined', id: sessionId(id), room: 'garden' });
  const left = (id: string): ClusterEvent => ({ type: 'left', id: sessionId(id), room: 'garden' });
  const departed = (id: string): ClusterEvent => ({ type: 'departed', id: sessionId(id), code: 1000 });
  const events = (sequence: number, ...items: ClusterEvent[]) => ({ kind: 'events', sequence, items }) as const;

  it('applies the events of a member from its first snapshot on, and ignores those before', () => {
    const a = receive('a')!;
    expect(a.applyEvents(events(1, arrived('a1')))).toBe(false);
    a.applySnapshot(snapshot(1, ['a1', 'a2'], { last: false }));
    expect(directory.changes).toEqual([]);
    a.applySnapshot(snapshot(1, ['a3'], { first: false }));
    const broadcast: ClusterEvent = { type: 'broadcast', sender: 'a2', frame: textFrame('') };
    expect(a.applyEvents(events(2, departed('a1'), broadcast))).toBe(true);
    expect(directory.changes).toEqual(['+a1', '+a2', '+a3', '-a1 1000', '*']);
    expect(a.isUpToDate(2)).toBe(true);
  });

  it('applies that sessions of a member are away and back, and ignores it of others', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    const [away, back] = (['away', 'back'] as const).map((type) => (id: string): ClusterEvent => ({
      type,
      id: sessionId(id),
    }));
    expect(a.applyEvents(events(1, away!('a1'), back!('a1'), away!('b1')))).toBe(true);
    expect(directory.changes).toEqual(['+a1', 'a1 away', 'a1 back']);
  });

  it('ignores a snapshot with a missing chunk, and applies the next', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1'], { chunk: 0, last: false }));
    a.applySnapshot(snapshot(0, ['a3'], { chunk: 2, first: false }));
    expect([a.isUpToDate(0), directory.changes]).toEqual([false, []]);
    a.applySnapshot(snapshot(0, ['a1'], { chunk: 0, last: false }));
    a.applySnapshot(snapshot(0, ['a2'], { chunk: 1, first: false }));
    expect([a.isUpToDate(0), directory.changes]).toEqual([true, ['+a1', '+a2']]);
  });

  it('has a member out of sync after an event that failed', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    directory.broken = 'a2';
    expect(() => a.applyEvents(events(1, arrived('a2'), arrived('a3')))).toThrow('broken');
    expect(a.isUpToDate(1)).toBe(false);
    directory.broken = undefined;
    expect(a.applyEvents(events(2, arrived('a4')))).toBe(false);
    a.applySnapshot(snapshot(2, ['a1', 'a2', 'a3', 'a4']));
    expect([a.isUpToDate(2), directory.changes]).toEqual([true, ['+a1', '+a2', '+a3', '+a4']]);
  });

  it('ignores sessions of other nodes that a member announces', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1', 'b1']));
    receive('b')!.applySnapshot(snapshot(0, ['b2']));
    a.applyEvents(events(1, arrived('b3'), departed('b2'), joined('b2'), left('b2'), arrived('a2')));
    expect(directory.changes).toEqual(['+a1', '+b2', '+a2']);
  });

  it('applies the news of rooms in their order', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    a.applyEvents(events(1, joined('a1'), arrived('a2'), joined('a2'), left('a1'), departed('a2')));
    expect(directory.changes).toEqual(['+a1', 'a1>garden', '+a2', 'a2>garden', 'a1<garden', '-a2 1000']);
    expect(a.applyEvents(events(3, joined('a1')))).toBe(false);
    expect(directory.changes).toHaveLength(6);
  });

  it('passes the rooms of each snapshot on, those of known sessions too', () => {
    const a = receive('a')!;
    const entry = (name: string, ...rooms: string[]): SessionInfo => ({ id: sessionId(name), rooms });
    a.applySnapshot(snapshot(0, [], { sessions: [entry('a1', 'garden'), { id: sessionId('a2') }] }));
    expect([...directory.rooms]).toEqual([['a1', ['garden']]]);
    a.markOutOfSync();
    a.applySnapshot(snapshot(0, [], { sessions: [{ id: sessionId('a1') }, entry('a2', 'pond', 'garden')] }));
    expect([...directory.rooms]).toEqual([['a2', ['pond', 'garden']]]);
    expect(directory.changes).toEqual(['+a1', '+a2']);
  });

  it('merges the entries of a session with many rooms', () => {
    const rooms = Array.from({ length: 3000 }, (_, index) => `${'r'.repeat(100)}${index}`);
    const sessions = [{ id: sessionId('a1') }, { id: sessionId('a2'), user: 'ann', rooms }, { id: sessionId('a3') }];
    const head = { sequence: 4, requestsSnapshots: false };
    const chunks = snapshotChunks({ nodeId: nodeId('a'), incarnation: 1 }, head, sessions, [], 150_000);
    expect(chunks.length).toBeGreaterThan(2);
    const a = receive('a')!;
    for (const chunk of chunks) {
      expect(chunk.length).toBeLessThanOrEqual(150_000);
      const { message } = decodeMessage(chunk);
      if (message.kind === 'snapshot') a.applySnapshot(message);
    }
    expect([a.isUpToDate(4), directory.changes]).toEqual([true, ['+a1', '+a2', '+a3']]);
    expect([...directory.rooms]).toEqual([['a2', rooms]]);
  });

  it('ignores a snapshot that arrives again after later events, also where the sequence overflows', () => {
    const a = receive('a')!;
    const last = 2 ** 32 - 1;
    a.applySnapshot(snapshot(last, ['a1']));
    a.applyEvents(events(0, departed('a1'), arrived('a2')));
    a.applySnapshot(snapshot(last, ['a1']));
    expect(directory.changes).toEqual(['+a1', '-a1 1000', '+a2']);
    expect(a.isUpToDate(0)).toBe(true);
  });

  it('takes each batch of a member once', () => {
    const a = receive('a')!;
    expect([7, 8, 8, 7, 9].map((number) => a.takeBatchNumber(number))).toEqual([true, true, false, false, true]);
    const b = receive('b')!;
    expect([2 ** 32 - 1, 0, 2 ** 32 - 1].map((number) => b.takeBatchNumber(number))).toEqual([true, true, false]);
  });

  it('skips event batches that were applied already', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    a.applyEvents(events(1, arrived('a1'), arrived('a2'), departed('a1'), departed('a1')));
    expect(a.applyEvents(events(1, departed('a2')))).toBe(true);
    a.applySnapshot(snapshot(1, ['a2']));
    expect(directory.changes).toEqual(['+a1', '+a2', '-a1 1000']);
  });

  it('has a member out of sync after a gap, and applies the difference to the next snapshot', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1', 'a2', 'a3']));
    directory.changes.length = 0;
    expect(a.applyEvents(events(2, departed('a3')))).toBe(false);
    expect(a.isUpToDate(2)).toBe(false);
    expect(a.applyEvents(events(3, arrived('a4')))).toBe(false);
    a.applySnapshot(snapshot(3, ['a1', 'a4'], { departures: [[sessionId('a2'), 4101]] }));
    expect(directory.changes).toEqual(['-a2 4101', '-a3 1006', '+a4']);
    expect(a.isUpToDate(3)).toBe(true);
  });

  it('ignores messages of an older incarnation', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(9, ['a1']));
    expect(receive('a', 2)).toBe(a);
    expect(a.synced).toBe(false);
    expect(receive('a', 1)).toBeUndefined();
    a.applySnapshot(snapshot(0, ['a1']));
    expect(a.applyEvents(events(1, departed('a1')))).toBe(true);
    expect(directory.changes).toEqual(['+a1', '-a1 1000']);
  });

  it('removes a silent member within the timeout, ends its sessions and ignores it from then on', () => {
    receive('a')!.applySnapshot(snapshot(0, ['a1', 'a2']));
    receive('b')!.applySnapshot(snapshot(0, ['b1']));
    directory.changes.length = 0;
    let ticks = 0;
    let dead: Member[] = [];
    while (dead.length === 0 && ticks < 100) {
      receive('b');
      dead = members.tick();
      ticks++;
    }
    expect(ticks).toBeLessThan(TICKS_PER_TIMEOUT);
    expect(ticks).toBeGreaterThan(TICKS_PER_TIMEOUT / 2);
    expect(dead.map((member) => member.nodeId)).toEqual([nodeId('a')]);
    expect(directory.changes).toEqual(['-a1 1006', '-a2 1006']);
    expect([members.isGone(nodeId('a')), members.isGone(nodeId('b')), members.size]).toEqual([true, false, 1]);
    expect(receive('a', 2)).toBeUndefined();
  });

  it.each(['', 'a.>', 'a.*00000', 'aaaaaaaaa', 'aaaaaaa\n'])('ignores a node with the malformed id %j', (id) => {
    const head = { version: NODE_VERSION, nodeId: id, incarnation: 1, sentAtMs: 0 };
    expect(members.receive(head)).toBeUndefined();
    expect(members.size).toBe(0);
  });

  it('restarts the silence of all members when this node reconnects', () => {
    const a = receive('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    for (let tick = 0; tick < TICKS_PER_TIMEOUT - 4; tick++) members.tick();
    members.resetForReconnect();
    for (let tick = 0; tick < TICKS_PER_TIMEOUT - 4; tick++) expect(members.tick()).toEqual([]);
    expect(a.synced).toBe(false);
    expect(directory.changes).toEqual(['+a1']);
  });
});

describe('the clock offset', () => {
  it('bounds the age of a message by the quickest round trip, and knows none before', () => {
    const clock = new ClockOffset();
    expect(clock.maxAgeMs(1_000_000, 130)).toBe(Number.POSITIVE_INFINITY);
    // The clock of the other node is 1,000,000 ms ahead; each way takes 50 ms.
    clock.observe(0, 1_000_050);
    expect(clock.maxAgeMs(1_000_100, 150)).toBe(100);
    clock.observe(200, 1_000_600);
    expect(clock.maxAgeMs(1_000_700, 750)).toBe(100);
    clock.observe(300, 1_000_310);
    expect(clock.maxAgeMs(1_000_800, 850)).toBe(60);
  });

  it('forgets round trips that are old, because clocks drift', () => {
    const clock = new ClockOffset();
    clock.observe(0, 10);
    clock.observe(61_000, 61_020);
    expect(clock.maxAgeMs(61_100, 61_100)).toBe(10);
    clock.observe(130_000, 130_030);
    expect(clock.maxAgeMs(130_100, 130_100)).toBe(20);
    clock.observe(300_000, 300_040);
    expect(clock.maxAgeMs(300_100, 300_100)).toBe(40);
  });
});
