import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Tab } from '../support/browser.js';
import { connect, type Client } from '../support/client.js';
import { Compose } from '../support/compose.js';

/** The part of an id that says on which node its session is. */
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

  /** Opens sessions until one is on a node that is none of these. */
  async function elsewhere(than: readonly string[]): Promise<Client> {
    for (;;) {
      const client = await connect(url, { ca });
      clients.push(client);
      if (!than.includes(nodeOf(client))) return client;
    }
  }

  /** The container in which a node runs: it says its name in its log. */
  async function containerOf(node: string): Promise<string> {
    for (const container of await compose.containers('app'))
      if ((await compose.docker('logs', container)).includes(`"part":"${node}"`)) return container;
    throw new Error(`no container says that it is ${node}`);
  }

  /** Resolves when a container has logged this. @param since passes over what it logged before */
  async function said(container: string, message: string, since = '0'): Promise<void> {
    while (!(await compose.docker('logs', '--since', since, container)).includes(`"message":"${message}"`));
  }

  async function listed(client: Client): Promise<string[]> {
    client.send({ type: 'sys.who', id: 'who', data: { limit: 1000 } });
    return ((await client.answer('who')).data as { sessions: string[] }).sessions;
  }

  it('lets two browsers talk whose sessions are on different nodes', async () => {
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

  it('finds a node that comes, and keeps everybody when another is stopped', async () => {
    const one = await elsewhere([]);
    const two = await elsewhere([nodeOf(one)]);
    const three = await elsewhere([nodeOf(one), nodeOf(two)]);
    await scale(4);
    const four = await elsewhere([nodeOf(one), nodeOf(two), nodeOf(three)]);
    four.send({ type: 'hello', receiver: two.id, id: '1' });
    expect(await four.answer('1')).toMatchObject({ data: { status: 'routed' } });

    await compose.docker('stop', await containerOf(nodeOf(two)));
    expect(await two.closed).toEqual({ code: 1012, reason: 'service_restart' });
    const told = async (client: Client): Promise<void> => {
      while ((await client.next('sys.departed')).sender !== two.id);
    };
    await Promise.all([told(one), told(three), told(four)]);
    for (let count = 0; count < 10; count++) expect(nodeOf(await elsewhere([]))).not.toBe(nodeOf(two));
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
    await said(nodes[0]!, 'standalone until a NATS host resolves');
    const since = new Date().toISOString();
    await compose.docker('start', nats!);
    for (const node of nodes) await said(node, 'joined', since);
    const ann = await elsewhere([]);
    const bob = await elsewhere([nodeOf(ann)]);
    while (!(await listed(bob)).includes(ann.id));
    bob.send({ type: 'hello', receiver: ann.id, id: '1' });
    expect(await bob.answer('1')).toMatchObject({ data: { status: 'routed' } });
    expect((await ann.next('hello')).sender).toBe(bob.id);
  });
});
