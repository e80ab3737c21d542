import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, token } from '../support/tokens.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** Returns when the connection of the client is lost and back. */
const LOSS = `
  const open = new Promise((resolve) => client.onState(({ phase }) => phase === 'open' && resolve()));
  client.reconnect();
  await open;`;
/** Ends a session of ann that has not reported a message as seen. */
const UNSEEN = `
  const silent = new WebSocket(url, ['switchboard.v1', 'resume', 'bearer.' + others]);
  await new Promise((resolve) => silent.once('message', resolve));
  const undelivered = new Promise((resolve) => client.on('sys.undelivered', resolve));
  await client.send('@ann', 'chat', {}, { id: 'm1' });
  silent.close(1000);
  await undelivered;`;

describe('the programs of docs/client.md', () => {
  let server: TestServer;
  let document: string;
  beforeAll(async () => {
    server = await startServer(AUTH);
    document = await readFile(`${ROOT}/docs/client.md`, 'utf8');
  });
  afterAll(() => server.stop());

  it.each([
    ['Rooms', '1 in the garden:', ''],
    ['Rooms', 'hello back', `await other.join('garden'); await other.send('#garden', 'chat', { text: 'hello back' });`],
    ['Users', 'on 1 of her devices', ''],
    ['Presence', 'ann online, 1 sessions', ''],
    ['Coming back', 'away, nothing is lost yet', LOSS],
    ['Coming back', 'back, still', LOSS],
    ['Coming back', 'not seen by', UNSEEN],
  ])('run as they are: the one of %s prints “%s”', async (heading, printed, also) => {
    const [, rest] = document.split(`\n## ${heading}\n`);
    const programs = [...rest!.split('\n## ')[0]!.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => `{ ${code} }`);
    const module = `
      import { connect } from 'switchboard/client';
      import { WebSocket } from 'ws';
      const [url, own, others] = process.argv.slice(1);
      const client = connect(url, { WebSocket, token: () => own });
      const other = connect(url, { WebSocket, token: () => others });
      await other.ready();
      ${programs.join('\n')}
      ${also}
      await other.send(client.id, 'end'); // after all messages to the client
      await client.who();
      other.close();
      client.close();`;
    const tokens = [await token({ sub: 'bob' }), await token({ sub: 'ann' })];
    const args = ['--input-type=module', '-e', module, server.url, ...tokens];
    expect((await run(process.execPath, args, { cwd: ROOT })).stdout).toContain(printed);
  });
});
