import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../support/needs.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

needs('testssl');

/**
 * Protocols, classes of suites, the certificate, the headers and the known attacks. Left out are each single suite, because
 * the classes include it, the order of suites, because the client chooses, and simulated browsers, because they take
 * minutes and find no fault.
 */
const CHECKS = ['--protocols', '--std', '--server-defaults', '--headers', '--vulnerable'];
const TIMEOUT_MS = 300_000;

/** Severities above LOW. `WARN` marks a check that could not run; the last test names those that must. */
const SERIOUS = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'];
/** Findings that no local authority can avoid. */
const ALLOWED = [
  'cert_chain_of_trust', // it is in no store of public authorities
  'cert_revocation', // it offers neither a revocation list nor OCSP
];

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

describe('testssl.sh, run on nginx with an operator certificate,', () => {
  let server: TestServer;
  let nginx: Nginx;
  let findings: Finding[];

  beforeAll(async () => {
    server = await startServer();
    nginx = await startNginx({ appPort: server.port, variables: { TLS_CERT_DIR: 'own' } });
    const report = join(nginx.folder, 'testssl.json');
    const options = ['--quiet', '--color', '0', '--warnings', 'off', '--ip', '127.0.0.1', '--nodns', 'none'];
    const target = `localhost:${nginx.httpsPort}`;
    const child = spawn('testssl', [...options, ...CHECKS, '--jsonfile', report, target], {
      env: { ...process.env, TERM: 'dumb' },
      stdio: 'ignore',
      timeout: TIMEOUT_MS - 10_000,
    });
    // The exit code counts findings, allowed ones included.
    await once(child, 'close');
    findings = JSON.parse(await readFile(report, 'utf8')) as Finding[];
  }, TIMEOUT_MS);
  afterAll(async () => {
    await nginx?.stop();
    await server?.stop();
  });

  it('finds nothing above LOW except what a local authority cannot avoid', () => {
    const serious = findings.filter(({ severity }) => SERIOUS.includes(severity));
    expect(serious.filter(({ id }) => !ALLOWED.includes(id))).toEqual([]);
    // Every allowed finding must occur, because a longer list would hide a new finding.
    expect(serious.map(({ id }) => id).toSorted()).toEqual(ALLOWED);
  });

  it('runs each kind of check', () => {
    const passed = findings.filter(({ severity }) => severity === 'OK').map(({ id }) => id);
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
      expect(passed).toContain(id);
  });
});
