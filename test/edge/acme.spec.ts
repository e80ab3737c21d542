import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { startNginx, type Nginx } from '../support/nginx.js';

const PREFIX = '/.well-known/acme-challenge';

describe('plain HTTP', () => {
  let nginx: Nginx;

  beforeAll(async () => {
    nginx = await startNginx({ appPort: 1 }); // no request reaches the application
    const folder = join(nginx.environment['ACME_DIR']!, PREFIX);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), 'token.thumbprint');
    await symlink(nginx.caFile, join(folder, 'link'));
  });
  afterAll(() => nginx?.stop());

  const get = async (path: string): Promise<unknown[]> => {
    const { status, body, headers } = await ask(`http://127.0.0.1:${nginx.httpPort}`, { path });
    return status === 200 ? [status, body, headers['content-type']] : [status, headers.location];
  };

  it('serves the ACME challenge that certbot has written', async () => {
    expect(await get(`${PREFIX}/token`)).toEqual([200, 'token.thumbprint', 'text/plain']);
  });

  it.each(['other', '', 'token/', 'link', '%2e%2e%2f%2e%2e%2f%2e%2e%2fca.key'])(
    'serves nothing as %s',
    async (name) => {
      const [status] = await get(`${PREFIX}/${name}`);
      expect(status).not.toBe(200);
    },
  );

  it.each(['/', '/wss', '/.well-known/acme-challenge', '/.well-known/other', `${PREFIX}/../token`])(
    'redirects %s',
    async (path) => {
      expect(await get(path)).toEqual([307, `https://127.0.0.1:${nginx.httpsPort}${path}`]);
    },
  );
});
