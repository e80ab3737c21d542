import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultProxy } from '../support/fault-proxy.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import type { Kind } from './lasting-client.js';
import { Ring, type RingCount } from './ring.js';
import { writeLostConnections, type LostConnectionsRow } from './lost-connections-report.js';

const SESSIONS = 100;
const EACH = 50;
const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', DRAIN_TIMEOUT_MS: '60000', DRAIN_SPREAD_MS: '0' };
const NOTHING: Partial<RingCount> = { duplicated: 0, misordered: 0 };
const WHOLE: Partial<RingCount> = { ...NOTHING, lost: 0, unanswered: 0, newSessions: 0 };

describe.each<Kind>(['plain', 'resume'])('under load, with sessions of the kind %s', { timeout: 240_000 }, (kind) => {
  let server: ServerProcess;
  let ring: Ring;
  let nginx: Nginx | undefined;
  let stateFolder: string;
  beforeEach(async () => {
    stateFolder = await mkdtemp(join(tmpdir(), 'switchboard-state-'));
    const [port] = await freePorts();
    server = await start(String(port));
  });
  afterEach(async () => {
    ring.close();
    await nginx?.stop();
    nginx = undefined;
    await server.kill();
    await rm(stateFolder, { recursive: true });
  });
  afterAll(() => writeLostConnections(SESSIONS));

  const start = (port: string): Promise<ServerProcess> =>
    ServerProcess.start({ ...QUIET, PORT: port, RESUME_STATE_DIR: stateFolder });

  /** Starts the server again on the same port. */
  async function restart(): Promise<void> {
    server = await start(new URL(server.url).port);
  }

  /** Lets messages be in flight at a fault, waits until all sessions have connections, and counts. */
  async function during(name: string, fault: () => Promise<unknown>): Promise<LostConnectionsRow> {
    const arrived = ring.arrived((SESSIONS * EACH) / 4);
    ring.send(EACH);
    await arrived; // the others are on their way
    const lost = ring.lost();
    await fault();
    await lost;
    await ring.ready();
    ring.send(1);
    await ring.settled();
    return { fault: name, kind, ...ring.count() };
  }

  const expected = (whole: Partial<RingCount>): Partial<RingCount> => (kind === 'resume' ? whole : NOTHING);

  it('a cut network loses no message of a session that resumes', async () => {
    const proxy = await FaultProxy.start(Number(new URL(server.url).port));
    ring = await Ring.open({ url: proxy.url, options: {} }, SESSIONS, kind);
    const row = await during('the network is cut', async () => proxy.cut());
    expect(writeLostConnections.add(row)).toMatchObject(expected(WHOLE));
    await proxy.stop();
  });

  it('a proxy that restarts loses no message of a session that resumes', async () => {
    const appPort = Number(new URL(server.url).port);
    const first = await startNginx({ appPort });
    const target = { url: first.url, options: { ca: await readFile(first.caFile, 'utf8') } };
    ring = await Ring.open(target, SESSIONS, kind);
    const row = await during('the proxy restarts', async () => {
      await first.stop();
      nginx = await startNginx({ appPort });
      Object.assign(target, { url: nginx.url, options: { ca: await readFile(nginx.caFile, 'utf8') } });
    });
    expect(writeLostConnections.add(row)).toMatchObject(expected(WHOLE));
  });

  it('a restart loses no message of a session that resumes', async () => {
    ring = await Ring.open({ url: server.url, options: {} }, SESSIONS, kind);
    const row = await during('the process restarts (`SIGTERM`)', async () => {
      server.signal('SIGTERM');
      await server.ended;
      await restart();
    });
    expect(writeLostConnections.add(row)).toMatchObject(expected(WHOLE));
  });

  it('a process that is killed duplicates and misorders nothing', async () => {
    ring = await Ring.open({ url: server.url, options: {} }, SESSIONS, kind);
    const row = await during('the process is killed (`kill -9`)', async () => {
      await server.kill();
      await restart();
    });
    expect(writeLostConnections.add(row)).toMatchObject({ ...NOTHING, newSessions: SESSIONS });
  });
});
