import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, token } from '../support/tokens.js';

/** An address of this machine that differs from the one nginx connects from. */
const FAR = '127.0.0.2';
const KEY = 'a-key-of-many-characters-indeed';

describe('behind nginx, operators see the address of the client', () => {
  let server: TestServer;
  let nginx: Nginx;
  let far: { localAddress: string; ca: string };
  const lines = keepLogLines();

  beforeAll(async () => {
    const settings = { FRONT_PROXIES: '127.0.0.1', API_KEYS: KEY, LOG_LEVEL: 'debug', LOG_FORMAT: 'json' };
    server = await startServer({ ...AUTH, ...settings });
    nginx = await startNginx({ appPort: server.port });
    far = { localAddress: FAR, ca: await readFile(nginx.caFile, 'utf8') };
  });
  afterAll(async () => {
    await nginx.stop();
    await server.stop();
  });

  const api = async (method: string, id: string): Promise<string> => {
    const headers = { Authorization: `Bearer ${KEY}` };
    return (await ask(`http://127.0.0.1:${server.port}/api/v1/sessions/${id}`, { method, headers })).body;
  };
  const logged = (message: string): unknown[] =>
    lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['message'] === message);

  it('with the user, in the HTTP API and in log lines', async () => {
    const headers = { authorization: `Bearer ${await token({ sub: 'ann' })}` };
    const ann = await connect(nginx.url, { ...far, headers });
    expect(JSON.parse(await api('GET', ann.id))).toMatchObject({ id: ann.id, address: FAR, user: 'ann' });
    ann.sendText('{');
    expect((await ann.next('sys.error')).data).toMatchObject({ code: 'malformed_json' });
    await api('DELETE', ann.id);
    await ann.closed;
    expect(logged('connected')).toMatchObject([{ session: ann.id, address: FAR, user: 'ann' }]);
    expect(logged('message refused')).toMatchObject([{ session: ann.id, address: FAR, code: 'malformed_json' }]);
    expect(logged('closed')).toMatchObject([{ session: ann.id, address: FAR, user: 'ann', code: 4000 }]);
  });

  it('in the log line of a rejected handshake', async () => {
    const url = nginx.url.replace('wss:', 'https:');
    expect((await ask(url, { ...far, headers: HANDSHAKE })).status).toBe(401);
    expect((await ask(url, far)).status).toBe(426);
    expect(logged('handshake refused')).toMatchObject([
      { code: 'unauthorized', address: FAR },
      { code: 'upgrade_required', address: FAR },
    ]);
  });
});
