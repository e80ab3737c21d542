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
/** The nginx of the tests allows 1,024 connections, and a session takes two. */
const SESSIONS_BEHIND_NGINX = 400;
const EACH = 5;
const MANY = 30;
/** A drain ends when all messages are delivered, which may take a while on a slow machine. */
const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', DRAIN_TIMEOUT_MS: '120000' };
const FAULTY = fileURLToPath(new URL('./faulty.js', import.meta.url));
const HOOKS_METHOD =
  '10 times guard, pipe, interceptor, filter and handler (sync, async, observable); every lifecycle hook';
/** Hooks that answer no message; their failures are logged. */
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

/** Runs a command as root, with `sudo` where the tests run as another user: only root may mount file systems. */
function asRoot(...args: string[]): void {
  const [program, ...rest] = process.getuid?.() === 0 ? args : ['sudo', '--non-interactive', ...args];
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
    await load.connectAll();
  }

  /** Waits until messages flow between all sessions, and records the result of the fault. */
  async function recovery(fault: string, method: string, sinceMs: number): Promise<Row> {
    await load.connectAll();
    load.send(1);
    await load.settle();
    const row = { fault, method, ...load.countDeliveries(), recoveryMs: Math.round(performance.now() - sinceMs) };
    rows.push(row);
    expect([row.duplicated, row.misordered]).toEqual([0, 0]);
    return row;
  }

  it('that kills the process duplicates and misorders no message', async () => {
    await begin();
    load.send(MANY); // still in flight at the fault
    await server.kill();
    await Promise.all(load.clients.map(({ closed }) => closed));
    const sinceMs = performance.now();
    server = await ServerProcess.start({ ...QUIET, PORT: new URL(server.url).port });
    await recovery('the process is killed', '`kill -9`, started again', sinceMs);
  });

  it('that restarts the process with SIGTERM loses no acknowledged message', async () => {
    await begin();
    load.send(MANY);
    server.signal('SIGTERM');
    expect((await server.ended).code).toBe(0);
    await Promise.all(load.clients.map(({ closed }) => closed));
    const sinceMs = performance.now();
    server = await ServerProcess.start({ ...QUIET, PORT: new URL(server.url).port });
    expect((await recovery('a restart', '`SIGTERM`, started again', sinceMs)).lost).toBe(0);
  });

  it('that pauses the process loses no message', async () => {
    await begin();
    server.signal('SIGSTOP');
    load.send(EACH);
    await delay(2000); // the fault itself
    server.signal('SIGCONT');
    const row = await recovery(
      'the process is paused',
      '`SIGSTOP` for 2 s, messages sent meanwhile',
      performance.now(),
    );
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
  });

  it('that takes the last file descriptor closes no session, is logged, and passes', async () => {
    await begin({ MAX_CONNECTIONS: '0' }, { before: `ulimit -n ${SESSIONS + 100};` });
    const port = Number(new URL(server.url).port);
    const idleSockets: Socket[] = [];
    for (let count = 0; count < 200; count++)
      idleSockets.push(connectTcp(port, '127.0.0.1').on('error', () => undefined));
    await server.logged('out of file descriptors: new connections fail; raise the limit (ulimit -n)');
    load.send(EACH);
    await load.settle();
    for (const socket of idleSockets) socket.destroy();
    const sinceMs = performance.now();
    const row = await recovery('no file descriptor is left', 'connections up to `ulimit -n`, then fewer', sinceMs);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
    await server.logged('file descriptors available again');
    await (await connect(server.url)).close();
  });

  it('that restarts the proxy duplicates and misorders no message', async () => {
    await begin();
    load.close();
    const appPort = Number(new URL(server.url).port);
    const first = await startNginx({ appPort });
    load = new Load(first.url, SESSIONS_BEHIND_NGINX, { ca: await readFile(first.caFile, 'utf8') });
    await load.connectAll();
    load.send(EACH);
    await load.clients[0]!.settled();
    await first.stop();
    await Promise.all(load.clients.map(({ closed }) => closed));
    const sinceMs = performance.now();
    const nginx = await startNginx({ appPort });
    load.setTarget(nginx.url, { ca: await readFile(nginx.caFile, 'utf8') });
    await recovery('the proxy restarts', `nginx stopped and started again, ${SESSIONS_BEHIND_NGINX} sessions`, sinceMs);
    await nginx.stop();
  });

  it('that throws in every hook of a handler closes no session, and each error is answered or logged', async () => {
    await begin({}, { main: FAULTY });
    const trouble = await connect(server.url);
    load.send(EACH);
    for (let round = 0; round < 10; round++) {
      for (const id of THROWING) trouble.send({ type: `faulty.${id}`, id });
      const answers = await Promise.all(THROWING.map(() => trouble.next('sys.error')));
      expect(answers.map(({ ref, data }) => [ref, data.code])).toEqual(THROWING.map((id) => [id, 'internal_error']));
    }
    const sinceMs = performance.now();
    await trouble.close();
    const row = await recovery('every hook of a handler throws', HOOKS_METHOD, sinceMs);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
    for (const hook of HOOKS)
      await expect
        .poll(() => server.lines.some(({ message }) => message.startsWith(`Error: ${hook}\n`)), { timeout: 20_000 })
        .toBe(true);
  });

  it('that blocks the event loop in a handler closes no session and loses no message', async () => {
    await begin({ HEARTBEAT_MS: '500' }, { main: FAULTY });
    const trouble = await connect(server.url);
    trouble.send({ type: 'faulty.block', id: 'block', data: 3000 });
    const blocked = trouble.next('sys.ack').then(() => performance.now());
    load.send(EACH);
    const sinceMs = await blocked;
    await trouble.close();
    const row = await recovery('a handler blocks the event loop', '3 s, a heartbeat being 0.5 s', sinceMs);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
    expect(load.reconnected).toBe(0);
  });

  it('that sets the clock forwards and back closes no session and changes no limit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-clock-'));
    const clock = join(folder, 'clock');
    await writeFile(clock, '+0');
    const before = wrongClock(`FAKETIME_TIMESTAMP_FILE='${clock}' FAKETIME_CACHE_DURATION=1`);
    await begin({ HEARTBEAT_MS: '1000', MESSAGES_PER_SECOND: '20' }, { before });
    let sinceMs = 0;
    for (const hours of [5, -5]) {
      await writeFile(clock, `${hours > 0 ? '+' : ''}${hours}h`);
      for (let apart = 0; Math.abs(apart - hours) > 0.5;) {
        const { headers } = await ask(`${server.origin}/health/live`);
        apart = (Date.parse(String(headers['date'])) - Date.now()) / 3_600_000;
      }
      sinceMs = performance.now();
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
    const row = await recovery('the clock is wrong', 'set 5 h forwards, then 10 h back', sinceMs);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (2 * EACH + 1)]);
    expect(load.reconnected).toBe(0);
    await rm(folder, { recursive: true });
  });

  it('that fills the disk of the log closes no session, and is logged once there is space', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-disk-'));
    asRoot('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder);
    try {
      const [logFile, filler] = [join(folder, 'log'), join(folder, 'filler')];
      await begin({}, { logFile });
      await writeFile(filler, Buffer.alloc(1 << 20)).catch(({ code }) => expect(code).toBe('ENOSPC'));
      load.send(EACH);
      // More than fits into the rest of the last page of the log.
      for (let count = 0; count < 40; count++) {
        await ask(`${server.origin}/wss`);
        await ask(`${server.origin}/wss`, { method: 'POST' });
      }
      await load.settle();
      await rm(filler);
      const sinceMs = performance.now();
      await connect(server.url).then((client) => client.close());
      await ask(`${server.origin}/wss`, { headers: { Upgrade: 'websocket' } });
      const row = await recovery('the disk is full', 'the file system of the log, then space again', sinceMs);
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
