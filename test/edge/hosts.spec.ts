import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function verdict(path: string, host: string): Promise<string> {
  const { status, body } = await ask(`http://127.0.0.1:${server!.port}${path}`, { headers: { host } });
  if (status < 400) return String(status);
  return `${status} ${(JSON.parse(body) as { error: { code: string } }).error.code}`;
}

const FORBIDDEN = '403 origin_not_allowed';

describe('with ALLOWED_HOSTS, plain HTTP', () => {
  it.each(['/', '/client.js', '/asyncapi.json', '/docs', '/nowhere', '/api/v1/stats', '/metrics', '/METRICS/'])(
    'is refused for a foreign name on %s',
    async (path) => {
      server = await startServer({ ALLOWED_HOSTS: 'example.com', API_KEYS: 'a-key-of-sixteen-characters' });
      for (const host of ['rebound.test', 'example.com.rebound.test', 'bad host'])
        expect({ host, verdict: await verdict(path, host) }).toEqual({ host, verdict: FORBIDDEN });
    },
  );

  it('is served under the names of the list, in any case and with any port', async () => {
    server = await startServer({ ALLOWED_HOSTS: 'example.com [2001:db8::1]' });
    for (const host of ['example.com', 'EXAMPLE.com:8443', '[2001:db8::1]:80'])
      expect({ host, verdict: await verdict('/asyncapi.json', host) }).toEqual({ host, verdict: '200' });
  });

  it('answers health checks under every name, and metrics under an address or localhost', async () => {
    server = await startServer({ ALLOWED_HOSTS: 'example.com' });
    for (const host of ['127.0.0.1:3000', 'localhost', '[::1]:3000', '10.1.2.3:3000', 'app:3000'])
      for (const path of ['/health/live', '/health/ready'])
        expect({ host, path, verdict: await verdict(path, host) }).toEqual({ host, path, verdict: '200' });
    for (const host of ['127.0.0.1:3000', 'localhost:3000', '[::1]', '10.1.2.3:3000'])
      expect({ host, verdict: await verdict('/metrics', host) }).toEqual({ host, verdict: '200' });
    expect(await verdict('/asyncapi.json', '127.0.0.1')).toBe(FORBIDDEN);
  });

  it('does not change who may connect', async () => {
    server = await startServer({ ALLOWED_HOSTS: 'example.com' });
    await (await connect(server.url, { headers: { host: 'example.com' } })).close(1000);
    await expect(connect(server.url)).rejects.toThrow('403');
  });
});

it('without ALLOWED_HOSTS, plain HTTP is served under every name', async () => {
  server = await startServer();
  expect(await verdict('/asyncapi.json', 'any.test')).toBe('200');
});
