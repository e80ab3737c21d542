import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

/**
 * Protocols, classes of suites, the certificate, the headers and the known attacks. Left out: every suite one by one (the
 * classes say whether a bad one is among them), the order of suites (the client's, as Mozilla has it: all are good) and
 * simulated browsers, which take minutes and tell what they negotiate, not what is wrong.
 */
const CHECKS = ['--protocols', '--std', '--server-defaults', '--headers', '--vulnerable'];
const TIMEOUT_MS = 300_000;

/** Above LOW. `WARN` is a check that could not be made; those that must be are asked for below. */
const SERIOUS = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'];
/** What no local authority can have. */
const ALLOWED = [
  'cert_chain_of_trust', // no store of public authorities knows it
  'cert_revocation', // it publishes no list and answers no question of what it has revoked
];

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

describe('testssl.sh, asked about nginx with our configuration and a certificate of the operator,', () => {
  let server: TestServer;
  let nginx: Nginx;
  let findings: Finding[];

  beforeAll(async () => {
    server = await startServer();
    nginx = await startNginx({ appPort: server.port, variables: { TLS_CERT_DIR: 'own' } });
    const report = join(nginx.folder, 'testssl.json');
    const words = ['--quiet', '--color', '0', '--warnings', 'off', '--ip', '127.0.0.1', '--nodns', 'none'];
    const target = `localhost:${nginx.httpsPort}`;
    const child = spawn('testssl', [...words, ...CHECKS, '--jsonfile', report, target], {
      env: { ...process.env, TERM: 'dumb' },
      stdio: 'ignore',
      timeout: TIMEOUT_MS - 10_000,
    });
    // Its exit code counts findings, those that are allowed too.
    await once(child, 'close');
    findings = JSON.parse(await readFile(report, 'utf8')) as Finding[];
  }, TIMEOUT_MS);
  afterAll(async () => {
    await nginx?.stop();
    await server?.stop();
  });

  it('finds nothing above LOW but what a local authority cannot have', () => {
    const serious = findings.filter(({ severity }) => SERIOUS.includes(severity));
    expect(serious.filter(({ id }) => !ALLOWED.includes(id))).toEqual([]);
    // A list that lets more pass than there is would hide the next finding.
    expect(serious.map(({ id }) => id).toSorted()).toEqual(ALLOWED);
  });

  it('has made each kind of check', () => {
    const well = findings.filter(({ severity }) => severity === 'OK').map(({ id }) => id);
    for (const id of [
      'SSLv3',
      'TLS1_2',
      'TLS1_3',
      'cipherlist_NULL',
      'cipherlist_STRONG',
      'HSTS_time',
      'heartbleed',
      'ROBOT',
    ])
      expect(well).toContain(id);
  });
});
