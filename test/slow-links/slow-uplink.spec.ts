import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Client } from '../../packages/client/src/connect.js';
import { PageEvents } from '../support/page-events.js';
import { join } from '../support/switchboard-client.js';
import { startServer, type TestServer } from '../support/server.js';

const STEP_MS = 100;
const STEP_BYTES = 800;
/** Takes the link so many milliseconds. */
const lasting = (ms: number) => 'x'.repeat((ms * STEP_BYTES) / STEP_MS);

let server: TestServer;
let proxy: Server;
async function start(heartbeatMs: number): Promise<void> {
  server = await startServer({ HEARTBEAT_MS: String(heartbeatMs), ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
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
}
afterEach(async () => {
  proxy.close();
  await server.stop();
});

it.each<[string, number, (client: Client, page: PageEvents) => unknown]>([
  ['', 1000, () => undefined],
  [', although an earlier message is answered', 1000, (client) => void client.send(client.id!, 'early')],
  [', although the page is shown meanwhile', 4000, (_, page) => setTimeout(() => page.becomes('visible'), 500)],
])('stays connected while a long message is on its way over a slow link%s', async (_, heartbeatMs, cause) => {
  await start(heartbeatMs);
  const other = await server.connect();
  const page = new PageEvents();
  const url = `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}/wss`;
  const client = join(url, { WebSocket: page.socketClass() });
  await client.ready();
  const phases: string[] = [];
  client.onState(({ phase }) => phases.push(phase));
  cause(client, page);
  const sent = client.send(other.id, 'long', lasting(7000), { timeoutMs: 60_000 });
  expect(await sent).toMatchObject({ status: 'routed' });
  expect(phases).toEqual([]);
  client.close();
});
