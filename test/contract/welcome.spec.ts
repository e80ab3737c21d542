import { once } from 'node:events';
import { connect as tcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { connect } from '../support/client.js';
import { closeFrame, envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

/** Returns the value of a header, `undefined` if it is absent. */
function header(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim();
}

describe('an accepted connection', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  const start = async (variables?: Record<string, string>): Promise<void> => {
    server = await startServer(variables);
  };

  it('gets sys.welcome first, with its id and the limits', async () => {
    await start({ HEARTBEAT_MS: '12345', MAX_MESSAGE_BYTES: '2048' });
    const client = await connect(server.url);
    expect(JSON.parse(client.frames[0]!)).toEqual({
      type: 'sys.welcome',
      sender: 'server',
      receiver: client.id,
      data: { protocol: 1, heartbeatMs: 12345, maxMessageBytes: 2048, notices: 'all' },
    });
  });

  it('gets the welcome in the same write as the handshake response', async () => {
    await start();
    const socket = tcp(server.port, '127.0.0.1');
    socket.write(request('GET /wss HTTP/1.1'));
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString('latin1')).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\n\x81.*"sys\.welcome".*\}$/s);
    socket.destroy();
  });

  it('has the defaults of the protocol', async () => {
    await start();
    const { welcome } = await connect(server.url);
    expect(welcome.data).toEqual({ protocol: 1, heartbeatMs: 25_000, maxMessageBytes: 65_536, notices: 'all' });
  });

  it.each(['all', 'peers', 'rooms', 'none'])('gets the scope of departure notices: %s', async (scope) => {
    await start({ NOTICE_SCOPE: scope });
    expect((await connect(server.url)).welcome.data).toMatchObject({ notices: scope });
  });

  it('gets its welcome first among the notices and messages of a crowd', async () => {
    await start();
    const broadcaster = await connect(server.url);
    const crowd = Array.from({ length: 30 }, () => connect(server.url));
    for (let index = 0; index < 200; index++) broadcaster.send({ type: 'noise', receiver: '*', data: index });
    for (const client of await Promise.all(crowd)) {
      expect(client.frames[0]).toContain('"sys.welcome"');
      expect(client.frames.filter((text) => text.includes('"sys.welcome"'))).toHaveLength(1);
    }
  });

  it.each(['/wss', '/wss/', '/wss?token=secret', '/wss/?a=1&b=/x', '/wss?'])('is served at %s', async (path) => {
    await start();
    const client = await connect(`ws://127.0.0.1:${server.port}${path}`);
    expect(client.welcome.type).toBe('sys.welcome');
  });

  it('is served at the absolute form of its path (RFC 9112, 3.2.2)', async () => {
    await start();
    const answer = RawClient.open(server.port, { path: 'http://localhost/wss?a=1' });
    expect((await answer).head).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('accepts headers in any case', async () => {
    await start();
    const headers = ['host: localhost', 'CONNECTION: keep-alive, upgrade', 'upgrade: WebSocket'];
    const client = await RawClient.open(server.port, { headers: [...headers, ...UPGRADE_HEADERS.slice(3)] });
    expect(client.head).toMatch(/^HTTP\/1\.1 101 /);
    client.socket.destroy();
  });

  it.each([
    [['switchboard.v1'], 'switchboard.v1'],
    [['other', 'switchboard.v1', 'more'], 'switchboard.v1'],
    [['more', 'other', 'switchboard.v1'], 'switchboard.v1'],
    // A browser drops a connection for which none of its subprotocols is selected.
    [['other'], 'other'],
    [['graphql-ws', 'other'], 'graphql-ws'],
    [['switchboard.v2', 'SWITCHBOARD.V1', 'switchboard.v11'], 'switchboard.v2'],
    [['bearer', 'resumed', 'x.bearer.y'], 'bearer'],
    [['bearer.x', 'switchboard.v1'], 'switchboard.v1'],
    [['resume.x.0', 'switchboard.v1'], 'switchboard.v1'],
  ])('that offers the protocols %j gets %s', async (offered, selected) => {
    await start();
    const client = await RawClient.open(server.port, {
      headers: [...UPGRADE_HEADERS, `Sec-WebSocket-Protocol: ${offered.join(', ')}`],
    });
    expect(header(client.head, 'sec-websocket-protocol')).toBe(selected);
    client.socket.destroy();
  });

  it('gets the accept key of RFC 6455, no protocol that it did not offer, and no compression', async () => {
    await start();
    const client = await RawClient.open(server.port, {
      headers: [...UPGRADE_HEADERS, 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'],
    });
    expect(header(client.head, 'sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(header(client.head, 'sec-websocket-protocol')).toBeUndefined();
    expect(header(client.head, 'sec-websocket-extensions')).toBeUndefined();
    client.write(envelopeFrame({ type: 'sys.ping', data: 'x'.repeat(5000) }));
    const pong = await client.next(OPCODE.text);
    expect(pong.first).toBe(0x81);
    expect(pong.masked).toBe(false);
    client.write(closeFrame(1000));
    expect((await client.closed()).code).toBe(1000);
  });
});

describe('session ids', () => {
  it('are a node id, a dot and at least 96 random bits, of one length, without repetition', async () => {
    const server = await startServer();
    const clients = await Promise.all(Array.from({ length: 60 }, () => connect(server.url)));
    const ids = clients.map(({ id }) => id);
    expect(new Set(ids).size).toBe(60);
    expect(new Set(ids.map(({ length }) => length)).size).toBe(1);
    for (const id of ids) {
      expect(id).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{16,}$/);
      expect(id.length).toBeLessThanOrEqual(40);
    }
    expect(new Set(ids.map((id) => id.split('.')[0])).size).toBe(1);
    await server.stop();
  });

  it('have another node id after each start', async () => {
    const nodeIds = new Set<string>();
    for (let start = 0; start < 3; start++) {
      const server = await startServer();
      nodeIds.add((await connect(server.url)).id.split('.')[0]!);
      await server.stop();
    }
    expect(nodeIds.size).toBe(3);
  });
});
