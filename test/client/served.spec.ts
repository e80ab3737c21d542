import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

describe('/client.js', () => {
  let server: TestServer;
  let address: string;
  beforeAll(async () => {
    server = await startServer();
    address = `http://127.0.0.1:${server.port}/client.js`;
  });
  afterAll(() => server.stop());

  it('is one small module without dependencies', async () => {
    const response = await fetch(address);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(gzipSync(text).length).toBeLessThan(6000);
    expect(text).not.toMatch(/\bimport\b/);
    expect(text).toMatch(/\bexport\b/);
  });

  it('answers 304 to a matching ETag', async () => {
    const { headers } = await fetch(address);
    const etag = headers.get('etag')!;
    expect(headers.get('cache-control')).toBe('public, no-cache');
    const again = (tag: string) => fetch(address, { headers: { 'If-None-Match': tag } });
    expect((await again(etag)).status).toBe(304);
    expect((await again(`W/${etag}, "other"`)).status).toBe(304);
    expect((await again('"other"')).status).toBe(200);
  });
});

describe('switchboard/client', () => {
  it('can be imported in Node, and uses the WebSocket class of its options', async () => {
    const server = await startServer();
    const code = `
      import { connect } from 'switchboard/client';
      import { WebSocket } from 'ws';
      const ann = connect(process.argv[1], { WebSocket });
      await ann.ready();
      console.log(JSON.stringify(await ann.send(ann.id, 'note', 1)));
      ann.close();`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code, server.url], { cwd: ROOT });
    expect(JSON.parse(stdout)).toEqual({ status: 'routed' });
    await server.stop();
  });

  it('has types that need only the library of a browser', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-types-'));
    const file = join(folder, 'page.ts');
    await writeFile(
      file,
      `import { connect } from '${ROOT}dist/client/connect.js';
       interface Messages { offer: { text: string } }
       const ann = connect<Messages>('wss://localhost/wss', { WebSocket });
       ann.on('offer', ({ data, sender }) => void ann.send(sender, 'offer', { text: data.text }));
       ann.on('sys.departed', ({ data }) => data.code.toFixed());
       // @ts-expect-error the text is missing
       void ann.send('*', 'offer', {});
       // @ts-expect-error not a message type of this application
       ann.on('ofer', () => undefined);`,
    );
    const flags = '--noEmit --strict --target es2022 --module esnext --moduleResolution bundler --lib es2022,dom';
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, ...flags.split(' '), file], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
    await rm(folder, { recursive: true });
  }, 60_000);
});
