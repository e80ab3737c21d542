import { beforeEach, describe, expect, it } from 'vitest';
import type { Node, Place } from '../../src/backplane/backplane.js';
import { ClockDifference } from '../../src/backplane/clock-difference.js';
import { LOOKS, Members } from '../../src/backplane/members.js';
import type { Member } from '../../src/backplane/member.js';
import { NODE_VERSION, type News, type Snapshot } from '../../src/backplane/node-message.js';
import { textFrame } from '../../src/protocol/index.js';

describe('other nodes', () => {
  let told: string[];
  let members: Members;
  let nowMs: number;
  let broken: string | undefined;

  beforeEach(() => {
    told = [];
    nowMs = 1000;
    broken = undefined;
    members = new Members({
      arrivedElsewhere: ({ id }: Place) => {
        if (id === broken) throw new Error('broken');
        told.push(`+${id}`);
      },
      departedElsewhere: (id: string, code: number) => told.push(`-${id} ${code}`),
      broadcast: (sender: string) => told.push(`*${sender}`),
    } as unknown as Node);
  });

  const part = (name: string): string => name.padEnd(8, '0');
  const hear = (name: string, link = 1): Member | undefined =>
    members.hear({ version: NODE_VERSION, part: part(name), link, sentAtMs: nowMs - 5 }, nowMs);
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
  const arrived = (id: string): News => ({ type: 'arrived', place: { id } });
  const departed = (id: string): News => ({ type: 'departed', id, code: 1000 });
  const news = (sequence: number, ...items: News[]) => ({ kind: 'news', sequence, items }) as const;

  it('are known from their snapshot on, and what they say before it is not heard', () => {
    const a = hear('a')!;
    expect(a.news(news(1, arrived('a1')))).toBe(false);
    a.snapshot(snapshot(1, ['a1', 'a2'], { last: false }));
    expect(told).toEqual([]);
    a.snapshot(snapshot(1, ['a3'], { first: false }));
    expect(a.news(news(2, departed('a1'), { type: 'broadcast', sender: 'a2', frame: textFrame('') }))).toBe(true);
    expect(told).toEqual(['+a1', '+a2', '+a3', '-a1 1000', '*a2']);
    expect(a.isUpTo(2)).toBe(true);
  });

  it('are not known from a snapshot of which a piece was lost, and are from the next', () => {
    const a = hear('a')!;
    a.snapshot(snapshot(0, ['a1'], { piece: 0, last: false }));
    a.snapshot(snapshot(0, ['a3'], { piece: 2, first: false }));
    expect([a.isUpTo(0), told]).toEqual([false, []]);
    a.snapshot(snapshot(0, ['a1'], { piece: 0, last: false }));
    a.snapshot(snapshot(0, ['a2'], { piece: 1, first: false }));
    expect([a.isUpTo(0), told]).toEqual([true, ['+a1', '+a2']]);
  });

  it('are not known any more where one of their news could not be carried out', () => {
    const a = hear('a')!;
    a.snapshot(snapshot(0, ['a1']));
    broken = 'a2';
    expect(() => a.news(news(1, arrived('a2'), arrived('a3')))).toThrow('broken');
    expect(a.isUpTo(1)).toBe(false);
    broken = undefined;
    expect(a.news(news(2, arrived('a4')))).toBe(false);
    a.snapshot(snapshot(2, ['a1', 'a2', 'a3', 'a4']));
    expect([a.isUpTo(2), told]).toEqual([true, ['+a1', '+a3', '+a4']]);
  });

  it('tell each arrival and departure once, however often they say it', () => {
    const a = hear('a')!;
    a.snapshot(snapshot(0, ['a1']));
    a.news(news(1, arrived('a1'), arrived('a2'), departed('a1'), departed('a1')));
    expect(a.news(news(1, departed('a2')))).toBe(true);
    a.snapshot(snapshot(1, ['a2']));
    expect(told).toEqual(['+a1', '+a2', '-a1 1000']);
  });

  it('are asked again where news were missed, and the difference is told', () => {
    const a = hear('a')!;
    a.snapshot(snapshot(0, ['a1', 'a2', 'a3']));
    told.length = 0;
    expect(a.news(news(2, departed('a3')))).toBe(false);
    expect(a.isUpTo(2)).toBe(false);
    expect(a.news(news(3, arrived('a4')))).toBe(false);
    a.snapshot(snapshot(3, ['a1', 'a4'], { left: [['a2', 4101]] }));
    expect(told).toEqual(['-a2 4101', '-a3 1006', '+a4']);
    expect(a.isUpTo(3)).toBe(true);
  });

  it('are not heard any more on a link before the last', () => {
    const a = hear('a')!;
    a.snapshot(snapshot(9, ['a1']));
    expect(hear('a', 2)).toBe(a);
    expect(a.synced).toBe(false);
    expect(hear('a', 1)).toBeUndefined();
    a.snapshot(snapshot(0, ['a1']));
    expect(a.news(news(1, departed('a1')))).toBe(true);
    expect(told).toEqual(['+a1', '-a1 1000']);
  });

  it('are dead after so many looks in silence, within the time-out, and never heard again', () => {
    hear('a')!.snapshot(snapshot(0, ['a1', 'a2']));
    hear('b')!.snapshot(snapshot(0, ['b1']));
    told.length = 0;
    let looks = 0;
    let dead: Member[] = [];
    while (dead.length === 0 && looks < 100) {
      hear('b');
      dead = members.look();
      looks++;
    }
    expect(looks).toBeLessThan(LOOKS);
    expect(looks).toBeGreaterThan(LOOKS / 2);
    expect(dead.map((member) => member.part)).toEqual([part('a')]);
    expect(told).toEqual(['-a1 1006', '-a2 1006']);
    expect([members.isGone(part('a')), members.isGone(part('b')), members.size]).toEqual([true, false, 1]);
    expect(hear('a', 2)).toBeUndefined();
  });

  it.each(['', 'a.>', 'a.*00000', 'aaaaaaaaa', 'aaaaaaa\n'])('are none by the name %j', (name) => {
    expect(members.hear({ version: NODE_VERSION, part: name, link: 1, sentAtMs: nowMs }, nowMs)).toBeUndefined();
    expect(members.size).toBe(0);
  });

  it('are given their time anew when our own link is new', () => {
    const a = hear('a')!;
    a.snapshot(snapshot(0, ['a1']));
    for (let look = 0; look < LOOKS - 4; look++) members.look();
    members.beginAnew();
    for (let look = 0; look < LOOKS - 4; look++) expect(members.look()).toEqual([]);
    expect(a.synced).toBe(false);
    expect(told).toEqual(['+a1']);
  });

  it('are as old as they say but for the quickest way, whatever their clock shows', () => {
    const clock = new ClockDifference();
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
