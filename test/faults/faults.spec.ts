import { connect as connectTcp, type Socket } from 'node:net';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { startNginx } from '../support/nginx.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import { Load } from './load.js';
import { writeReport, type Row } from './report.js';

const SESSIONS = 1000;
/** The nginx of the tests has 1,024 connections, and a session takes two. */
const BEHIND_NGINX = 400;
const EACH = 5;
const MANY = 30;
const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };

describe('under load, a fault', { timeout: 60_000 }, () => {
  const rows: Row[] = [];
  let server: ServerProcess;
  let load: Load;
  afterEach(async () => {
    load.close();
    await server.kill();
  });
  afterAll(() => writeReport(SESSIONS, rows));

  async function begin(variables: Record<string, string> = {}, before = ''): Promise<void> {
    const [port] = await freePorts();
    server = await ServerProcess.start({ ...QUIET, PORT: String(port), ...variables }, before);
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
    await begin({ MAX_CONNECTIONS: '0' }, `ulimit -n ${SESSIONS + 100};`);
    const port = Number(new URL(server.url).port);
    const strangers: Socket[] = [];
    for (let count = 0; count < 200; count++)
      strangers.push(connectTcp(port, '127.0.0.1').on('error', () => undefined));
    await server.said('no file descriptor is left: nobody new can connect; raise the limit (ulimit -n)');
    load.send(EACH);
    await load.settle();
    for (const stranger of strangers) stranger.destroy();
    const since = performance.now();
    const row = await whole('no file descriptor is left', 'connections up to `ulimit -n`, then fewer', since);
    expect([row.lost, row.acknowledged]).toEqual([0, SESSIONS * (EACH + 1)]);
    await server.said('there are file descriptors again');
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
});
