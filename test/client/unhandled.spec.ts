import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

describe('a Node process with the client', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  /** Runs a module with a connected client `ann`, and resolves to its output. */
  async function output(code: string): Promise<string> {
    const module = `
      import { connect, SendError } from 'switchboard-client';
      import { WebSocket } from 'ws';
      const ann = connect(process.argv[1], { WebSocket });
      const failure = new Promise((resolve) => ann.onError((failed) => resolve(failed)));
      await ann.ready();
      ${code}`;
    const args = ['--input-type=module', '-e', module, server.url];
    return (await run(process.execPath, args, { cwd: ROOT })).stdout.trim();
  }

  it.each([
    ['a message', `ann.send('no.such.session', 'chat', 1);`, 'receiver_not_found'],
    ['a request', `ann.request('no.such.type');`, 'unknown_type'],
    ['a stream', `ann.stream('no.such.type');`, 'unknown_type'],
    ['a value of a stream', `ann.stream('no.such.type').next();`, 'unknown_type'],
    ['a join', `ann.join('no room');`, 'invalid_message'],
    // Node reads no answer before it comes to the timer.
    ['a page', `ann.who({ timeoutMs: 0 }); const until = Date.now() + 20; while (Date.now() < until);`, 'timeout'],
  ])('reports the failure of %s that nobody awaits, and runs on', async (_, call, code) => {
    const text = await output(`
      ${call}
      const { error } = await failure;
      setImmediate(() => { console.log(error instanceof SendError, error.code); ann.close(); });`);
    expect(text).toBe(`true ${code}`);
  });

  it('runs on after a listener whose promise rejects with a SendError', async () => {
    const text = await output(`
      ann.on('go', async () => { await ann.send('no.such.session', 'chat', 1); });
      ann.send(ann.id, 'go');
      const { type, receiver } = await failure;
      setImmediate(() => { console.log(type, receiver); ann.close(); });`);
    expect(text).toBe('chat no.such.session');
  });

  it('runs on after ready() that nobody awaits', async () => {
    expect(await output(`ann.close(); ann.ready(); setImmediate(() => console.log('on'));`)).toBe('on');
  });

  it('rejects a promise that the application awaits', async () => {
    const text = await output(`
      await ann.request('no.such.type').catch(({ code }) => console.log(code));
      ann.close();`);
    expect(text).toBe('unknown_type');
  });

  it('ends by another error of a listener, which is a fault of the application', async () => {
    const ended = output(`
      ann.on('go', async () => { throw new Error('fault of the page'); });
      ann.send(ann.id, 'go');`);
    await expect(ended).rejects.toThrow('fault of the page');
  });
});
