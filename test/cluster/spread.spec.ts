import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { NameServer } from '../support/dns.js';
import { NatsServer } from '../support/nats.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import { socketFolder } from '../support/unix-socket.js';

const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

describe.each(['Unix sockets', 'TCP'] as const)('three nodes behind nginx, by %s', (way) => {
  let sockets: ReturnType<typeof socketFolder>;
  let nats: NatsServer;
  let names: NameServer;
  let nodes: ServerProcess[];
  let nginx: Nginx;
  let ca: string;
  let port: number;

  const startNode = (address: string): Promise<ServerProcess> =>
    ServerProcess.start({
      HOST: address,
      PORT: String(port),
      BACKPLANE: 'nats',
      NATS_URL: nats.url,
      ARRIVAL_NOTICES: 'off',
      DRAIN_SPREAD_MS: '0',
      ...(way === 'Unix sockets' && { LISTEN: `unix:${sockets.path}/*.sock` }),
    });

  beforeAll(async () => {
    sockets = socketFolder();
    [port] = await freePorts();
    nats = await NatsServer.start();
    nodes = await Promise.all(ADDRESSES.map(startNode));
    names = await NameServer.start(...ADDRESSES);
    nginx = await startNginx(
      way === 'TCP'
        ? { appPort: port, app: { name: 'app.test', nameServer: names.address } }
        : { appSocket: sockets.path },
    );
    ca = await readFile(nginx.caFile, 'utf8');
  });
  afterAll(async () => {
    await nginx?.stop();
    await Promise.all((nodes ?? []).map((node) => node.kill()));
    await names?.stop();
    await nats?.stop();
    sockets?.remove();
  });

  const nodeIdOf = ({ id }: Client): string => id.slice(0, 8);

  /** Opens connections until each of `size` nodes has two. Returns them by node. */
  async function twoOfEach(size: number): Promise<Client[][]> {
    const byNode = new Map<string, Client[]>();
    for (
      let count = 0;
      count < 400 && [...byNode.values()].filter(({ length }) => length >= 2).length < size;
      count++
    ) {
      const client = await connect(nginx.url, { ca });
      byNode.set(nodeIdOf(client), [...(byNode.get(nodeIdOf(client)) ?? []), client]);
    }
    return [...byNode.values()];
  }

  it('share the connections, and every session reaches every other', async () => {
    const groups = await twoOfEach(3);
    expect(groups).toHaveLength(3);
    const all = groups.map(([client]) => client!);
    for (const [index, from] of all.entries())
      for (const [other, to] of all.entries()) {
        from.send({ type: 'hello', receiver: to.id, id: `${index}${other}` });
        expect(await from.answer(`${index}${other}`)).toMatchObject({ data: { status: 'routed' } });
        expect((await to.next('hello')).sender).toBe(from.id);
      }
    all[0]!.send({ type: 'news', receiver: '*', id: 'n' });
    for (const client of groups.flat()) if (client !== all[0]) await client.next('news');
    await Promise.all(groups.flat().map((client) => client.close()));
  });

  it('get no connection while they drain, and the others keep theirs', async () => {
    const groups = await twoOfEach(3);
    const nodeId = String((await nodes[2]!.logged('joined'))['part']);
    const staying = groups.filter(([client]) => nodeIdOf(client!) !== nodeId).flat();
    const leaving = groups.filter(([client]) => nodeIdOf(client!) === nodeId).flat();
    expect([staying.length >= 4, leaving.length >= 2]).toEqual([true, true]);
    nodes[2]!.signal('SIGTERM');
    for (const client of leaving) expect((await client.closed).code).toBe(1012);
    // Its address is still known, but nginx takes another node while it drains, and after its end.
    for (let count = 0; count < 12; count++) {
      const client = await connect(nginx.url, { ca });
      expect(nodeIdOf(client)).not.toBe(nodeId);
      await client.close();
    }
    expect((await nodes[2]!.ended).code).toBe(0);
    const [first, last] = [staying[0]!, staying.at(-1)!];
    first.send({ type: 'still', receiver: last.id, id: 's' });
    expect(await first.answer('s')).toMatchObject({ data: { status: 'routed' } });
    expect((await last.next('still')).sender).toBe(first.id);

    nodes[2] = await startNode(ADDRESSES[2]!);
    expect(await twoOfEach(3)).toHaveLength(3);
  });
});
