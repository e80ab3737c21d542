import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

const DOCTOR = fileURLToPath(new URL('../../scripts/doctor.js', import.meta.url));

interface Diagnosis {
  readonly code: number;
  readonly said: string;
}

async function doctor(...words: string[]): Promise<Diagnosis> {
  return promisify(execFile)(process.execPath, [DOCTOR, ...words]).then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, said: stdout }),
  );
}

describe('the doctor', () => {
  let server: TestServer;
  let nginx: Nginx;
  beforeAll(async () => {
    server = await startServer({ HEARTBEAT_MS: '300' });
    nginx = await startNginx({ appPort: server.port });
  });
  afterAll(async () => {
    await nginx.stop();
    await server.stop();
  });

  it('finds what is well behind the proxy', async () => {
    const { said } = await doctor('--url', nginx.url, '--ca', nginx.caFile, '--http-port', String(nginx.httpPort));
    for (const what of [
      'readiness',
      'clock',
      'certificate',
      'redirect',
      'metrics',
      'other paths',
      'version',
      'heartbeat',
      'limits',
    ])
      expect(said).toMatch(new RegExp(`^ok +${what}:`, 'm'));
  });

  it('says what is wrong with a certificate nobody knows', async () => {
    const { code, said } = await doctor('--url', nginx.url, '--http-port', String(nginx.httpPort), '--quick');
    expect([code, said]).toEqual([1, expect.stringMatching(/^WRONG node: .*certificate/m)]);
  });

  it('says that a path is not the entry', async () => {
    const { code, said } = await doctor('--url', `ws://127.0.0.1:${server.port}/elsewhere`, '--quick');
    expect([code, said]).toEqual([1, expect.stringMatching(/^WRONG session: .*404/m)]);
    expect(said).toMatch(/^WRONG encryption/m);
  });

  it('says that nobody is there', async () => {
    const { code, said } = await doctor('--url', 'ws://127.0.0.1:1/wss', '--quick');
    expect([code, said]).toEqual([1, expect.stringMatching(/ECONNREFUSED/)]);
  });
});
