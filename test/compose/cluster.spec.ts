import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Tab } from '../support/browser.js';
import { connect, type Client } from '../support/client.js';
import { Compose } from '../support/compose.js';

/** Returns the node id in a session id. */
const nodeOf = ({ id }: { readonly id: string }): string => id.split('.')[0]!;

describe('docker compose --profile cluster', () => {
  const clients: Client[] = [];
  let compose: Compose;
  let folder: string;
  let browser: Browser;
  let ca: string;
  let url: string;

  beforeAll(async () => {
    compose = await Compose.create('switchboard-cluster');
    await scale(3);
    ca = await compose.read('nginx', '/certs/ca.crt');
    url = `wss://localhost:${compose.httpsPort}/wss`;
    folder = await mkdtemp(join(tmpdir(), 'switchboard-cluster-'));
    await writeFile(join(folder, 'ca.crt'), ca);
    browser = await Browser.start(join(folder, 'ca.crt'));
  });
  afterAll(async () => {
    await browser?.stop();
    await compose?.run('--profile', 'cluster', 'down', '--volumes');
    await rm(folder, { recursive: true });
  });

  async function scale(nodes: number): Promise<void> {
    const started = ['up', '--build', '--detach', '--wait', '--scale', `app=${nodes}`];
    await compose.run('--profile', 'cluster', ...started);
  }

  /** Opens sessions until one is on a node that is not in the list. */
  async function connectOutside(nodes: readonly string[]): Promise<Client> {
    for (;;) {
      const client = await connect(url, { ca });
      clients.push(client);
      if (!nodes.includes(nodeOf(client))) return client;
    }
  }

  /** Returns the container of a node, by the node id in its log. */
  async function containerOf(node: string): Promise<string> {
    for (const container of await compose.containers('app'))
      if ((await compose.docker('logs', container)).includes(`"part":"${node}"`)) return container;
    throw new Error(`no container has logged the node id ${node}`);
  }

  /** Resolves when a container has logged a message. @param since ignores earlier lines */
  async function logged(container: string, message: string, since = '0'): Promise<void> {
    while (!(await compose.docker('logs', '--since', since, container)).includes(`"message":"${message}"`));
  }

  async function listSessions(client: Client): Promise<string[]> {
    client.send({ type: 'sys.who', id: 'who', data: { limit: 1000 } });
    return ((await client.answer('who')).data as { sessions: string[] }).sessions;
  }

  it('routes messages between browsers on different nodes', async () => {
    const ann = await (await browser.open(`https://localhost:${compose.httpsPort}/health/live`)).join(url);
    let bob: Tab;
    do bob = await (await browser.open(`https://localhost:${compose.httpsPort}/health/live`)).join(url);
    while (nodeOf(bob) === nodeOf(ann));
    await ann.send({ type: 'offer', receiver: bob.id, data: { text: 'héllo' }, id: '1' });
    expect(await bob.next('offer')).toMatchObject({ sender: ann.id, data: { text: 'héllo' }, id: '1' });
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
    await bob.send({ type: 'answer', receiver: '*', id: '2' });
    expect(await ann.next('answer')).toMatchObject({ sender: bob.id, receiver: '*' });
    await bob.close();
    expect(await ann.next('sys.departed', bob.id)).toMatchObject({ data: { code: 1001 } });
    await ann.close();
  });

  it('publishes no port of NATS', async () => {
    const [nats] = await compose.containers('nats');
    expect((await compose.docker('port', nats!)).trim()).toBe('');
  });

  it('uses a new node, and keeps all other sessions when a node is stopped', async () => {
    const one = await connectOutside([]);
    const two = await connectOutside([nodeOf(one)]);
    const three = await connectOutside([nodeOf(one), nodeOf(two)]);
    await scale(4);
    const four = await connectOutside([nodeOf(one), nodeOf(two), nodeOf(three)]);
    four.send({ type: 'hello', receiver: two.id, id: '1' });
    expect(await four.answer('1')).toMatchObject({ data: { status: 'routed' } });

    await compose.docker('stop', await containerOf(nodeOf(two)));
    expect(await two.closed).toEqual({ code: 1012, reason: 'service_restart' });
    const departureOfTwo = async (client: Client): Promise<void> => {
      while ((await client.next('sys.departed')).sender !== two.id);
    };
    await Promise.all([departureOfTwo(one), departureOfTwo(three), departureOfTwo(four)]);
    for (let count = 0; count < 10; count++) expect(nodeOf(await connectOutside([]))).not.toBe(nodeOf(two));
    expect(await compose.run('logs', 'nginx')).not.toContain('[crit]'); // such lines have the query of a request
    one.send({ type: 'still.here', receiver: three.id, id: '2' });
    expect(await one.answer('2')).toMatchObject({ data: { status: 'routed' } });
    await Promise.all(clients.map((client) => client.close()));
  });

  it('is joined by a node that started before NATS', async () => {
    await scale(2);
    const [nats] = await compose.containers('nats');
    const nodes = await compose.containers('app');
    await compose.docker('stop', nats!);
    await compose.docker('restart', nodes[0]!);
    await logged(nodes[0]!, 'standalone until a NATS host resolves');
    const since = new Date().toISOString();
    await compose.docker('start', nats!);
    for (const node of nodes) await logged(node, 'joined', since);
    const ann = await connectOutside([]);
    const bob = await connectOutside([nodeOf(ann)]);
    while (!(await listSessions(bob)).includes(ann.id));
    bob.send({ type: 'hello', receiver: ann.id, id: '1' });
    expect(await bob.answer('1')).toMatchObject({ data: { status: 'routed' } });
    expect((await ann.next('hello')).sender).toBe(bob.id);
  });
});
