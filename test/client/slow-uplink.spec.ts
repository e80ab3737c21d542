import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { join } from '../support/switchboard-client.js';
import { startServer, type TestServer } from '../support/server.js';

const HEARTBEAT_MS = 1000;
const STEP_MS = 100;
const STEP_BYTES = 1200;
/** Takes the link five heartbeats. */
const LONG = 'x'.repeat((5 * HEARTBEAT_MS * STEP_BYTES) / STEP_MS);

let server: TestServer;
let proxy: Server;
beforeEach(async () => {
  server = await startServer({ HEARTBEAT_MS: String(HEARTBEAT_MS), ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
  proxy = createServer((near) => {
    const far = connectTcp(server.port, '127.0.0.1').on('data', (bytes) => near.write(bytes));
    let waiting = Buffer.alloc(0);
    near.on('data', (bytes) => (waiting = Buffer.concat([waiting, bytes])));
    const carrying = setInterval(() => {
      far.write(waiting.subarray(0, STEP_BYTES));
      waiting = waiting.subarray(STEP_BYTES);
    }, STEP_MS);
    for (const socket of [near, far])
      socket
        .on('error', () => undefined)
        .on('close', () => {
          clearInterval(carrying);
          near.destroy();
          far.destroy();
        });
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  proxy.close();
  await server.stop();
});

it('stays connected while a long message is on its way over a slow link', async () => {
  const other = await server.connect();
  const client = join(`ws://127.0.0.1:${(proxy.address() as AddressInfo).port}/wss`);
  await client.ready();
  const phases: string[] = [];
  client.onState(({ phase }) => phases.push(phase));
  expect(await client.send(other.id, 'long', LONG, { timeoutMs: 60_000 })).toMatchObject({ status: 'routed' });
  expect(phases).toEqual([]);
  client.close();
});
