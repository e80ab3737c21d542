import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

/** The benchmark is JavaScript without declarations, and these modules need none of its packages. */
const load = (name: string) => import(new URL(`../../bench/harness/${name}.js`, import.meta.url).href);

describe('the order of servers in a round', async () => {
  const { orderOf } = await load('rounds');
  const named = (...names: string[]) => names.map((name) => ({ name }));
  const order = (servers: { name: string }[], round: number): string[] =>
    orderOf(servers, round).map(({ name }: { name: string }) => name);
  const six = named('a', 'b', 'c', 'd', 'e', 'f');

  it('has every server once, and is the same in each run', () => {
    for (let round = 0; round < 5; round++) {
      expect(order(six, round).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
      expect(order(six, round)).toEqual(order(six, round));
    }
  });

  it('gives each server several predecessors', () => {
    for (const { name } of six) {
      const before = Array.from({ length: 5 }, (_, round) => order(six, round)).map(
        (each) => each[each.indexOf(name) - 1],
      );
      expect(new Set(before).size).toBeGreaterThan(2);
    }
  });

  it('lets each of two servers be first in turn', () => {
    const two = named('a', 'b');
    expect(order(two, 0)).not.toEqual(order(two, 1));
    expect(order(two, 2)).not.toEqual(order(two, 3));
  });
});

describe('saved runs', async () => {
  const [{ loadRuns, saveRun }, { PairedSamples }, { scenarios }, { report }] = await Promise.all(
    ['results', 'samples', 'scenarios', 'report'].map(load),
  );
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const facts = { project: '1.0.0 (abc)', machine: 'a machine', versions: { ws: '8.0.0' }, date: '2026-01-01' };

  /** Saves a run of one scenario on Node 24. Servers without a value have 1. */
  function saved(name: string, effort: object, changes = {}, values: Record<string, number> = {}): string {
    const scenario = scenarios.find((each: { name: string }) => each.name === name);
    const samples = new PairedSamples(scenario, effort);
    for (const server of scenario.servers)
      samples.add(server.name, 0, { value: values[server.name] ?? 1, otherLoad: 0 });
    const file = join(folder, `${name}.json`);
    mkdirSync(folder, { recursive: true });
    const sets = [{ version: 'v24.0.0', results: [samples] }];
    saveRun(file, { facts: { ...facts, ...changes }, sets, minutes: 1 });
    return file;
  }

  it('are joined, with the rounds of each scenario and those that are missing', () => {
    const one = saved('pp8', { rounds: 5, seconds: 1 });
    const other = saved('leave', { rounds: 3 }, { date: '2026-01-02', versions: { ws: '8.0.0', nginx: '1.22.1' } });
    const page = report(loadRuns([one, other]));
    expect(page).toContain('- 5 rounds of 1 s: `pp8`.\n- 3 rounds: `leave`.\n- Not measured: `control`, `wss8`');
    expect(page).toContain('1.0.0 (abc)');
    expect(page).toContain('2026-01-01, 2026-01-02');
    expect(page).toContain('- ws 8.0.0 · nginx 1.22.1');
  });

  it('are refused if they are of another commit, machine or version of a peer, or do not say', () => {
    const one = saved('pp8', { rounds: 5, seconds: 1 });
    for (const changes of [{ project: '1.0.0 (abd)' }, { machine: 'another' }, { versions: { ws: '9.0.0' } }]) {
      const other = saved('leave', { rounds: 3 }, changes);
      expect(() => loadRuns([one, other])).toThrow(/leave.json has another (project|machine|ws) /);
    }
    writeFileSync(one, JSON.stringify({ sets: [], minutes: 1 }));
    expect(() => loadRuns([one])).toThrow('does not say what it measured');
  });

  it('give ratios within the noise as level, losses from the worst on, and a noisy run in plain words', () => {
    const files = [
      saved('control', { rounds: 1 }, {}, { 'ws-again': 1.05 }),
      saved('pp8', { rounds: 1 }, {}, { switchboard: 1, 'plain-ws': 0.97, socketio: 0.5, uws: 2 }),
      saved('mesh', { rounds: 1 }, {}, { 'uws-corked': 4 }),
    ];
    const page = report(loadRuns(files));
    expect(page).toContain('plain ws against itself differed by up to 5 % in `control`');
    const [, ahead = '', level = '', behind = ''] = page.split(/### Where Switchboard is \w+\n|### Targets/);
    expect(ahead).toMatch(/pp8 .*Socket.IO 2.00 ×/);
    expect(level).toMatch(/pp8 .*plain ws 1.03 ×/);
    expect(behind).toMatch(/mesh .* 0.25 ×[^]*pp8 .* 0.50 ×/);
    expect(report(loadRuns([saved('control', { rounds: 1 })]))).not.toContain('against itself differed');
  });
});

describe('a target', async () => {
  const [{ targetRows }, { PairedSamples }, { scenarios }] = await Promise.all(
    ['targets', 'samples', 'scenarios'].map(load),
  );

  function rowsOf(name: string, values: Record<string, number>): string[][] {
    const scenario = scenarios.find((each: { name: string }) => each.name === name);
    const samples = new PairedSamples(scenario, { rounds: 1 });
    for (const [server, value] of Object.entries(values)) samples.add(server, 0, { value, otherLoad: 0 });
    return targetRows(samples, 'v24.0.0');
  }

  it('of resumable sessions compares them with others of the same server', () => {
    const title = 'Switchboard, other sessions';
    expect(rowsOf('pp8r', { switchboard: 90, 'switchboard-plain': 100 })).toEqual([
      ['pp8r', title, '0.90 × (0.90–0.90)', '0.85 ×', 'met'],
    ]);
    const target = 'at most 0.39 kB more';
    expect(rowsOf('idler', { switchboard: 5.25, 'switchboard-plain': 5 })).toEqual([
      ['idler', title, '0.25 kB more (0.25–0.25)', target, 'met'],
    ]);
    expect(rowsOf('idler', { switchboard: 5.5, 'switchboard-plain': 5 })[0]!.at(-1)).toBe('**missed**');
    expect(rowsOf('idler', { switchboard: 5 })).toEqual([['idler', title, 'failed', target, '']]);
  });
});

describe('a program in front', async () => {
  const { replaceIn } = await load('front');
  const { workersOf } = await load('program');

  it('is not started with a configuration in which a replacement finds nothing', () => {
    expect(replaceIn('a b', 'b', 'c')).toBe('a c');
    expect(() => replaceIn('a b', 'x', 'c')).toThrow('nginx.conf does not contain: x');
  });

  it('is given up if it has no workers in time', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    await expect(workersOf(child.pid, 0)).rejects.toThrow('has no workers after 0 ms');
    child.kill();
  });
});

describe('the harness', () => {
  it('can be imported without its packages, and has each scenario and server once', async () => {
    const { choose, scenarios } = await load('scenarios');
    const names = scenarios.map(({ name }: { name: string }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(choose({ quick: true }).length).toBeGreaterThan(5);
    for (const { targets, servers } of scenarios) {
      const measured = servers.map(({ name }: { name: string }) => name);
      expect(new Set(measured).size).toBe(measured.length);
      expect(measured).toEqual(expect.arrayContaining(Object.keys(targets)));
    }
  });

  it('has as many members of rooms as its sessions have memberships', async () => {
    const { scenarios } = await load('scenarios');
    const flagsOf = (name: string): string[] =>
      scenarios.find((scenario: { name: string }) => scenario.name === name).load;
    const number = (flags: string[], flag: string): number =>
      flags.includes(flag) ? Number(flags[flags.indexOf(flag) + 1]) : 0;
    for (const [name, each] of [
      ['rooms', 4],
      ['join', 10],
    ] as const) {
      const [sessions, rooms, members, busy] = ['--conns', '--rooms', '--members', '--busy'].map((flag) =>
        number(flagsOf(name), flag),
      ) as [number, number, number, number];
      expect(busy * 10 + (sessions - busy) * each).toBe(rooms * members);
    }
    expect(flagsOf('room')).toEqual([...flagsOf('fan'), '--join', '--room', '#bench']);
  });

  it.each(['chart', 'machine', 'prepare', 'rounds', 'toolchains'])('has every import of %s', async (name) => {
    await expect(load(name)).resolves.toBeDefined();
  });
});
