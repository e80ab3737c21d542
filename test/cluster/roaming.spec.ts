import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Counters } from '../../src/telemetry/counters.js';
import { Cluster } from '../support/cluster.js';
import { makeCertificates } from '../support/certificates.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { Random } from '../support/random.js';
import { RoamingTraffic } from '../support/roaming-traffic.js';
import type { Place } from '../support/roaming-line.js';
import { AUTH, bearer, token } from '../support/tokens.js';
import { socketFolder } from '../support/unix-socket.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SEED = Number(process.env['RESUME_SEED'] ?? 1);
const USERS = ['ann', 'ann', 'bob', 'bob', 'carol', 'carol', 'dora', 'eve'];
const MESSAGES = 100;
/** Cuts of a run are random. Fewer than this is a broken test. */
const FEWEST_RETURNS = 25;
const SETTINGS = { AUTH: 'required', AUTH_SECRET: AUTH.AUTH_SECRET, ARRIVAL_NOTICES: 'off', AWAY_NOTICE_MS: '50' };

describe(`clients that are cut at random and return to any of three nodes (RESUME_SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const headers = new Map<string, Record<string, string>>();
  let cluster: Cluster | undefined;

  beforeAll(async () => {
    for (const user of USERS) headers.set(user, bearer(await token({ sub: user })).headers);
  });
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });

  async function expectNothingLost(placeOf: () => Place): Promise<void> {
    const place = (user: string): Place => ({ ...placeOf(), headers: headers.get(user)! });
    const traffic = new RoamingTraffic({ random, users: USERS, place, messages: MESSAGES });
    await traffic.run();
    expect(traffic.breaches).toEqual([]);
    expect(traffic.returns).toBeGreaterThan(FEWEST_RETURNS);
    const piped = cluster!.nodes.map(({ app }) => app.get(Counters).remoteReturns.get('piped') ?? 0);
    expect(piped.filter((count) => count > 0)).toHaveLength(3);
    for (const { app } of cluster!.nodes) await expect.poll(() => app.get(Counters).pipes).toBe(0);
  }

  it('keep their sessions, and nothing is lost, doubled or out of order', async () => {
    cluster = await Cluster.start(3, SETTINGS);
    const { nodes } = cluster;
    await expectNothingLost(() => random.pick(nodes));
  });

  describe('behind nginx', () => {
    let sockets: ReturnType<typeof socketFolder>;
    let nginx: Nginx;
    let ca: string;

    beforeAll(async () => {
      sockets = socketFolder();
    });
    afterAll(async () => {
      await nginx?.stop();
      sockets.remove();
    });

    it('keep their sessions, too', async () => {
      cluster = await Cluster.start(3, { ...SETTINGS, LISTEN: `unix:${sockets.path}/*.sock` });
      nginx = await startNginx({ appSocket: sockets.path });
      ca = await readFile(nginx.caFile, 'utf8');
      await expectNothingLost(() => ({ url: nginx.url, ca }));
    });
  });

  describe('on nodes with TLS of their own', () => {
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'switchboard-roaming-'));
      await makeCertificates(folder);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('keep their sessions, too', async () => {
      const [cert, key] = [join(folder, 'server.crt'), join(folder, 'server.key')];
      cluster = await Cluster.start(3, { ...SETTINGS, TLS_CERT_FILE: cert, TLS_KEY_FILE: key });
      const { nodes } = cluster;
      const ca = await readFile(join(folder, 'ca.crt'), 'utf8');
      await expectNothingLost(() => ({ url: random.pick(nodes).url, ca }));
    });
  });
});
