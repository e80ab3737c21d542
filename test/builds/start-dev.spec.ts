import { readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { Clone, listeningUrl } from '../support/clone.js';

describe('npm run start:dev', () => {
  let clone: Clone | undefined;
  afterEach(() => {
    clone?.killAll();
    clone?.remove();
  });

  it('runs a saved handler at once, and serves the client before and after', async () => {
    clone = new Clone();
    const server = clone.run('npm', ['run', 'start:dev'], { PORT: '0' });
    const before = await listeningUrl(server);
    expect((await ask(clientOf(before))).status).toBe(200);
    const ann = await connect(before);
    expect(await sumOf(before)).toEqual({ sum: 6 });

    const restarted = listeningUrl(server);
    const file = clone.path('src/handlers/sum.gateway.ts');
    writeFileSync(file, readFileSync(file, 'utf8').replace('total + number, 0)', 'total + number, 1000)'));
    expect((await ann.next('sys.reconnect')).data).toEqual({ afterMs: 1500 });
    expect((await ann.closed).code).toBe(1012);
    const after = await restarted;
    expect((await ask(clientOf(after))).status).toBe(200);
    expect(await sumOf(after)).toEqual({ sum: 1006 });

    server.kill('SIGTERM');
    await once(server, 'exit');
  }, 300_000); // the build, and two compilations of the watch
});

function clientOf(url: string): string {
  return new URL('/client.js', url.replace(/^ws/, 'http')).href;
}

async function sumOf(url: string): Promise<unknown> {
  const client = await connect(url);
  client.send({ type: 'demo.sum', data: { numbers: [1, 2, 3] } });
  const { data } = await client.next('demo.sum');
  await client.close();
  return data;
}
