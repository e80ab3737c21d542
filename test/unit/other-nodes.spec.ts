import { beforeEach, describe, expect, it } from 'vitest';
import type { ClusterDelegate, SessionInfo } from '../../src/cluster/backplane.js';
import { ClockOffset } from '../../src/cluster/membership/clock-offset.js';
import { TICKS_PER_TIMEOUT, MemberList } from '../../src/cluster/membership/member-list.js';
import type { Member } from '../../src/cluster/membership/member.js';
import { NODE_VERSION, type ClusterEvent, type Snapshot } from '../../src/cluster/wire/node-message.js';
import { textFrame } from '../../src/protocol/index.js';

describe('other nodes', () => {
  let told: string[];
  let members: MemberList;
  let nowMs: number;
  let broken: string | undefined;

  beforeEach(() => {
    told = [];
    nowMs = 1000;
    broken = undefined;
    members = new MemberList({
      remoteArrived: ({ id }: SessionInfo) => {
        if (id === broken) throw new Error('broken');
        told.push(`+${id}`);
      },
      remoteDeparted: (id: string, code: number) => told.push(`-${id} ${code}`),
      broadcast: (sender: string) => told.push(`*${sender}`),
    } as unknown as ClusterDelegate);
  });

  const part = (name: string): string => name.padEnd(8, '0');
  const hear = (name: string, link = 1): Member | undefined =>
    members.receive({ version: NODE_VERSION, nodeId: part(name), incarnation: link, sentAtMs: nowMs - 5 }, nowMs);
  const snapshot = (sequence: number, ids: readonly string[], rest: Partial<Snapshot> = {}): Snapshot => ({
    kind: 'snapshot',
    sequence,
    first: true,
    last: true,
    asks: false,
    here: ids.map((id) => ({ id })),
    left: [],
    ...rest,
  });
  const arrived = (id: string): ClusterEvent => ({ type: 'arrived', sessionInfo: { id } });
  const departed = (id: string): ClusterEvent => ({ type: 'departed', id, code: 1000 });
  const news = (sequence: number, ...items: ClusterEvent[]) => ({ kind: 'news', sequence, items }) as const;

  it('are known from their snapshot on, and what they say before it is not heard', () => {
    const a = hear('a')!;
    expect(a.applyEvents(news(1, arrived('a1')))).toBe(false);
    a.applySnapshot(snapshot(1, ['a1', 'a2'], { last: false }));
    expect(told).toEqual([]);
    a.applySnapshot(snapshot(1, ['a3'], { first: false }));
    expect(a.applyEvents(news(2, departed('a1'), { type: 'broadcast', sender: 'a2', frame: textFrame('') }))).toBe(
      true,
    );
    expect(told).toEqual(['+a1', '+a2', '+a3', '-a1 1000', '*a2']);
    expect(a.isUpToDate(2)).toBe(true);
  });

  it('are not known from a snapshot of which a piece was lost, and are from the next', () => {
    const a = hear('a')!;
    a.applySnapshot(snapshot(0, ['a1'], { piece: 0, last: false }));
    a.applySnapshot(snapshot(0, ['a3'], { piece: 2, first: false }));
    expect([a.isUpToDate(0), told]).toEqual([false, []]);
    a.applySnapshot(snapshot(0, ['a1'], { piece: 0, last: false }));
    a.applySnapshot(snapshot(0, ['a2'], { piece: 1, first: false }));
    expect([a.isUpToDate(0), told]).toEqual([true, ['+a1', '+a2']]);
  });

  it('are not known any more where one of their news could not be carried out', () => {
    const a = hear('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    broken = 'a2';
    expect(() => a.applyEvents(news(1, arrived('a2'), arrived('a3')))).toThrow('broken');
    expect(a.isUpToDate(1)).toBe(false);
    broken = undefined;
    expect(a.applyEvents(news(2, arrived('a4')))).toBe(false);
    a.applySnapshot(snapshot(2, ['a1', 'a2', 'a3', 'a4']));
    expect([a.isUpToDate(2), told]).toEqual([true, ['+a1', '+a3', '+a4']]);
  });

  it('tell each arrival and departure once, however often they say it', () => {
    const a = hear('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    a.applyEvents(news(1, arrived('a1'), arrived('a2'), departed('a1'), departed('a1')));
    expect(a.applyEvents(news(1, departed('a2')))).toBe(true);
    a.applySnapshot(snapshot(1, ['a2']));
    expect(told).toEqual(['+a1', '+a2', '-a1 1000']);
  });

  it('are asked again where news were missed, and the difference is told', () => {
    const a = hear('a')!;
    a.applySnapshot(snapshot(0, ['a1', 'a2', 'a3']));
    told.length = 0;
    expect(a.applyEvents(news(2, departed('a3')))).toBe(false);
    expect(a.isUpToDate(2)).toBe(false);
    expect(a.applyEvents(news(3, arrived('a4')))).toBe(false);
    a.applySnapshot(snapshot(3, ['a1', 'a4'], { left: [['a2', 4101]] }));
    expect(told).toEqual(['-a2 4101', '-a3 1006', '+a4']);
    expect(a.isUpToDate(3)).toBe(true);
  });

  it('are not heard any more on a link before the last', () => {
    const a = hear('a')!;
    a.applySnapshot(snapshot(9, ['a1']));
    expect(hear('a', 2)).toBe(a);
    expect(a.synced).toBe(false);
    expect(hear('a', 1)).toBeUndefined();
    a.applySnapshot(snapshot(0, ['a1']));
    expect(a.applyEvents(news(1, departed('a1')))).toBe(true);
    expect(told).toEqual(['+a1', '-a1 1000']);
  });

  it('are dead after so many looks in silence, within the time-out, and never heard again', () => {
    hear('a')!.applySnapshot(snapshot(0, ['a1', 'a2']));
    hear('b')!.applySnapshot(snapshot(0, ['b1']));
    told.length = 0;
    let looks = 0;
    let dead: Member[] = [];
    while (dead.length === 0 && looks < 100) {
      hear('b');
      dead = members.tick();
      looks++;
    }
    expect(looks).toBeLessThan(TICKS_PER_TIMEOUT);
    expect(looks).toBeGreaterThan(TICKS_PER_TIMEOUT / 2);
    expect(dead.map((member) => member.nodeId)).toEqual([part('a')]);
    expect(told).toEqual(['-a1 1006', '-a2 1006']);
    expect([members.isGone(part('a')), members.isGone(part('b')), members.size]).toEqual([true, false, 1]);
    expect(hear('a', 2)).toBeUndefined();
  });

  it.each(['', 'a.>', 'a.*00000', 'aaaaaaaaa', 'aaaaaaa\n'])('are none by the name %j', (name) => {
    expect(
      members.receive({ version: NODE_VERSION, nodeId: name, incarnation: 1, sentAtMs: nowMs }, nowMs),
    ).toBeUndefined();
    expect(members.size).toBe(0);
  });

  it('are given their time anew when our own link is new', () => {
    const a = hear('a')!;
    a.applySnapshot(snapshot(0, ['a1']));
    for (let look = 0; look < TICKS_PER_TIMEOUT - 4; look++) members.tick();
    members.resetForReconnect();
    for (let look = 0; look < TICKS_PER_TIMEOUT - 4; look++) expect(members.tick()).toEqual([]);
    expect(a.synced).toBe(false);
    expect(told).toEqual(['+a1']);
  });

  it('are as old as they say but for the quickest way, whatever their clock shows', () => {
    const clock = new ClockOffset();
    clock.observe(1_000_000, 130);
    clock.observe(1_000_010, 120);
    expect(clock.ageMs(1_000_020, 130)).toBe(0);
    expect(clock.ageMs(1_000_020, 630)).toBe(500);
    clock.observe(1_100_000, 100_110 + 40);
    expect(clock.ageMs(1_100_000, 100_150)).toBe(40);
    clock.observe(1_200_000, 200_150);
    clock.observe(1_200_001, 200_151);
    expect(clock.ageMs(1_200_001, 200_151)).toBe(0);
  });
});
