import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { wrongClock } from '../support/clock.js';
import { startNginx } from '../support/nginx.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess, type Start } from '../support/process.js';
import { Load } from './load.js';
import { writeReport, type Row } from './report.js';

const SESSIONS = 1000;
/** The nginx of the tests has 1,024 connections, and a session takes two. */
const BEHIND_NGINX = 400;
const EACH = 5;
const MANY = 30;
/** A drain ends as soon as all is delivered; on a slow machine that may take a while. */
const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', DRAIN_TIMEOUT_MS: '120000' };
const FAULTY = fileURLToPath(new URL('./faulty.js', import.meta.url));
const HOOKS_SAID =
  '10 times guard, pipe, interceptor, filter and handler (sync, async, observable); the hooks at each turn';
/** Hooks that answer nobody, whose failures stand in the log. */
const HOOKS = [
  'afterInit',
  'handleConnection',
  'handleConnection later',
  'handleDisconnect',
  'onSessionArrival',
  'onSessionDeparture',
];
/** Hooks of handlers that answer a message, each with one `sys.error`. */
const THROWING = ['guard', 'pipe', 'interceptor', 'filter', 'sync', 'async', 'observable'];

/** File systems are root's to mount; a developer who may become root without a password need not be it. */
function asRoot(...words: string[]): void {
  const [program, ...rest] = process.getuid?.() === 0 ? words : ['sudo', '--non-interactive', ...words];
  execFileSync(program!, rest);
}

describe('under load, a fault', { timeout: 240_000 }, () => {
  const rows: Row[] = [];
  let server: ServerProcess;
  let load: Load;
  afterEach(async () => {
    load.close();
    await server.kill();
  });
  afterAll(() => writeReport(SESSIONS, rows));

  async function begin(variables: Record<string, string> = {}, start: Start = {}): Promise<void> {
    const [port] = await freePorts();
    server = await ServerProcess.start({ ...QUIET, PORT: String(port), ...variables }, start);
    load = new Load(server.url, SESSIONS);
    await load.gather();
  }

  /** Makes sure that messages flow between all sessions, and puts down what the fault cost. */
  async function whole(fault: string, done: string, since: number): Promise<Row> {
    await load.gather();
    load.send(1);
    await load.settle();
    const row = { fault, done, ...load.tally(), wholeMs: Math.round(performance.now() - since) };
    rows.push(row);
    expect([row.duplicated, row.misordered]).toEqual([0, 0]);
    return row;
  }

  it('that kills the process duplicates and misorders nothing', async () => {
    await begin();
    load.send(MANY); // still under way when the fault comes
    await server.kill();
    await Promise.all(load.clients.map(({ closed }) => closed));
    const since = performance.now();
    server = await ServerProcess.start({ ...QUIET, PORT: new URL(server.url).port });
    await whole('the process dies', '`kill -9`, started again', since);
  });

  it('that restarts the process in good order loses nothing that was acknowledged', async () => {
    await begin();
    load.send(MANY);
    server.signal('SIGTERM');
    expect((await server.ended).code).toBe(0);
    await Promise.all(load.clients.map(({ closed }) => closed));
    const since = performance.now();
    server = await ServerProcess.start({ ...QUIET, PORT: new URL(server.url).port });
    expect((await whole('a restart', '`SIGTERM`, started again', since)).lost).toBe(0);
  });

  it('that makes the process stand still loses nothing', async () => {
    await begin();
    server.signal('SIGSTOP');
    load.send(EACH);
    await delay(2000); // the fault itself
    server.signal('SIGCONT');
    const row = await whole(
      'the process stands still',
      '`SIGSTOP` for 2 s, messages sent meanwhile',
      performance.now(),
    );
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
  });

  it('that takes the last file descriptor cuts nobody, is told in the log, and passes', async () => {
    await begin({ MAX_CONNECTIONS: '0' }, { before: `ulimit -n ${SESSIONS + 100};` });
    const port = Number(new URL(server.url).port);
    const strangers: Socket[] = [];
    for (let count = 0; count < 200; count++)
      strangers.push(connectTcp(port, '127.0.0.1').on('error', () => undefined));
    await server.said('out of file descriptors: new connections fail; raise the limit (ulimit -n)');
    load.send(EACH);
    await load.settle();
    for (const stranger of strangers) stranger.destroy();
    const since = performance.now();
    const row = await whole('no file descriptor is left', 'connections up to `ulimit -n`, then fewer', since);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
    await server.said('file descriptors available again');
    await (await connect(server.url)).close();
  });

  it('that takes the proxy away for a while duplicates and misorders nothing', async () => {
    await begin();
    load.close();
    const appPort = Number(new URL(server.url).port);
    const first = await startNginx({ appPort });
    load = new Load(first.url, BEHIND_NGINX, { ca: await readFile(first.caFile, 'utf8') });
    await load.gather();
    load.send(EACH);
    await load.clients[0]!.settled();
    await first.stop();
    await Promise.all(load.clients.map(({ closed }) => closed));
    const since = performance.now();
    const nginx = await startNginx({ appPort });
    load.move(nginx.url, { ca: await readFile(nginx.caFile, 'utf8') });
    await whole('the proxy dies', `nginx stopped and started again, ${BEHIND_NGINX} sessions`, since);
    await nginx.stop();
  });

  it('that throws in every hook of a handler cuts nobody, and each is answered or logged', async () => {
    await begin({}, { main: FAULTY });
    const trouble = await connect(server.url);
    load.send(EACH);
    for (let round = 0; round < 10; round++) {
      for (const id of THROWING) trouble.send({ type: `faulty.${id}`, id });
      const answers = await Promise.all(THROWING.map(() => trouble.next('sys.error')));
      expect(answers.map(({ ref, data }) => [ref, data.code])).toEqual(THROWING.map((id) => [id, 'internal_error']));
    }
    const since = performance.now();
    await trouble.close();
    const row = await whole('every hook of a handler throws', HOOKS_SAID, since);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
    for (const hook of HOOKS)
      await expect
        .poll(() => server.lines.some(({ message }) => message.startsWith(`Error: ${hook}\n`)), { timeout: 20_000 })
        .toBe(true);
  });

  it('that blocks the event loop in a handler cuts nobody and loses nothing', async () => {
    await begin({ HEARTBEAT_MS: '500' }, { main: FAULTY });
    const trouble = await connect(server.url);
    trouble.send({ type: 'faulty.block', id: 'block', data: 3000 });
    const blocked = trouble.next('sys.ack').then(() => performance.now());
    load.send(EACH);
    const since = await blocked;
    await trouble.close();
    const row = await whole('a handler blocks the event loop', '3 s, a heartbeat being 0.5 s', since);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
    expect(load.reconnected).toBe(0);
  });

  it('that sets the clock forwards and back cuts nobody and moves no limit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-clock-'));
    const clock = join(folder, 'clock');
    await writeFile(clock, '+0');
    const before = wrongClock(`FAKETIME_TIMESTAMP_FILE='${clock}' FAKETIME_CACHE_DURATION=1`);
    await begin({ HEARTBEAT_MS: '1000', MESSAGES_PER_SECOND: '20' }, { before });
    let since = 0;
    for (const hours of [5, -5]) {
      await writeFile(clock, `${hours > 0 ? '+' : ''}${hours}h`);
      for (let apart = 0; Math.abs(apart - hours) > 0.5;) {
        const { headers } = await ask(`${server.origin}/health/live`);
        apart = (Date.parse(String(headers['date'])) - Date.now()) / 3_600_000;
      }
      since = performance.now();
      const pings = once(load.clients[0]!.socket, 'ping').then(() => once(load.clients[0]!.socket, 'ping'));
      load.send(EACH);
      await load.settle();
      await pings;
      const flood = await connect(server.url);
      for (let count = 0; count < 300; count++) flood.send({ type: 'flood', receiver: flood.id, id: 'f' });
      const { data } = await flood.next('sys.error');
      expect(data).toMatchObject({ code: 'rate_limited' });
      expect(data.retryAfterMs).toBeLessThan(60_000);
      await flood.close();
    }
    const row = await whole('the clock is wrong', 'set 5 h forwards, then 10 h back', since);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (2 * EACH + 1)]);
    expect(load.reconnected).toBe(0);
    await rm(folder, { recursive: true });
  });

  it('that fills the disk of the log stops nobody, and the log says so once there is room', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-disk-'));
    asRoot('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder);
    try {
      const [logFile, filler] = [join(folder, 'log'), join(folder, 'filler')];
      await begin({}, { logFile });
      await writeFile(filler, Buffer.alloc(1 << 20)).catch(({ code }) => expect(code).toBe('ENOSPC'));
      load.send(EACH);
      // More than fits into what is left of the log's last page.
      for (let count = 0; count < 40; count++) {
        await ask(`${server.origin}/wss`);
        await ask(`${server.origin}/wss`, { method: 'POST' });
      }
      await load.settle();
      await rm(filler);
      const since = performance.now();
      await connect(server.url).then((client) => client.close());
      await ask(`${server.origin}/wss`, { headers: { Upgrade: 'websocket' } });
      const row = await whole('the disk is full', 'the file system of the log, then room again', since);
      expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
      expect(load.reconnected).toBe(0);
      expect(await readFile(logFile, 'utf8')).toContain('log lines lost: standard output was not writable');
    } finally {
      await server.kill();
      asRoot('umount', folder);
      await rm(folder, { recursive: true });
    }
  });
});
