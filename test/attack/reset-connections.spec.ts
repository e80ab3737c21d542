import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { ServerProcess } from '../support/process.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';

const CONNECTIONS = 1000;
const GET = request('GET / HTTP/1.1', ['Host: localhost']);
const TOKEN = [...UPGRADE_HEADERS, 'Authorization: Bearer x.y.z'];

let server: ServerProcess;
afterEach(() => server.kill());

async function reset(bytes: string): Promise<void> {
  const socket = connectTcp(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  socket.resetAndDestroy();
}

describe('a client that resets its connection', () => {
  it.each([
    ['a pipelined upgrade', GET + request('GET /wss HTTP/1.1')],
    ['a pipelined CONNECT', GET + request('CONNECT a:1 HTTP/1.1', ['Host: a:1'])],
    ['a pipelined line that is no HTTP', `${GET}no HTTP\r\n\r\n`],
    ['an upgrade on an unknown path', request('GET /nowhere HTTP/1.1')],
    ['an upgrade with a token', request('GET /wss HTTP/1.1', TOKEN)],
    ['a foreign Upgrade header', request('GET / HTTP/1.1', ['Host: localhost', 'Connection: Upgrade', 'Upgrade: h2c'])],
  ])('behind %s does not end the process, and other sessions stay', { timeout: 60_000 }, async (_, bytes) => {
    server = await ServerProcess.start({ AUTH: 'optional', AUTH_SECRET: 'a secret of more than 32 characters' });
    const [ann, bob] = [await connect(server.url), await connect(server.url)];
    for (let count = 0; count < CONNECTIONS; count++) await reset(bytes);
    ann.send({ type: 'x', receiver: bob.id, id: '1' });
    expect(await ann.answer('1')).toMatchObject({ data: { status: 'routed' } });
    expect((await bob.next('x')).sender).toBe(ann.id);
  });
});
