import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.js';

describe('plain HTTP', () => {
  let server: TestServer;
  let origin: string;
  beforeAll(async () => {
    server = await startServer();
    origin = `http://127.0.0.1:${server.port}`;
  });
  afterAll(() => server.stop());

  it('rejects an unknown path like an upgrade to that path', async () => {
    const response = await fetch(`${origin}/nowhere`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: { code: 'not_found', message: 'There is nothing at this path.' },
    });
  });

  it('reports liveness and readiness', async () => {
    expect((await fetch(`${origin}/health/live`)).status).toBe(200);
    expect(await (await fetch(`${origin}/health/ready`)).json()).toMatchObject({ status: 'ok' });
  });
});
