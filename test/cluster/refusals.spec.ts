import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess, type LogLine } from '../support/process.js';

const USER = 'user: nodes, password: pass';

let folder: string;
let servers: NatsServer[];
let nodes: ServerProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-nats-'));
  servers = [];
  nodes = [];
});
afterEach(async () => {
  await Promise.all([...nodes.map((node) => node.kill()), ...servers.map((server) => server.stop())]);
  await rm(folder, { recursive: true });
});

const configure = (text: string): Promise<void> => writeFile(join(folder, 'nats.conf'), text);

async function startNats(): Promise<NatsServer> {
  const server = await NatsServer.start('-c', join(folder, 'nats.conf'));
  servers.push(server);
  return server;
}

async function startNode(): Promise<ServerProcess> {
  const urls = servers.map(({ url }) => url).join(' ');
  const access = { BACKPLANE: 'nats', NATS_URL: urls, NATS_USER: 'nodes', NATS_PASSWORD: 'pass' };
  const node = await ServerProcess.start({ ...access, NODE_TIMEOUT_MS: '1500', BACKPLANE_TIMEOUT_MS: '500' });
  nodes.push(node);
  return node;
}

const readiness = async (node: ServerProcess): Promise<number> => (await ask(`${node.origin}/health/ready`)).status;
const errors = (node: ServerProcess): readonly LogLine[] => node.lines.filter(({ level }) => level === 'error');

describe('a node that NATS refuses', () => {
  it.each([
    [
      'the password',
      'authorization { user: nodes, password: other }',
      /^NATS refuses the credentials/,
      /Authorization/,
    ],
    ['its subscriptions', `authorization { ${USER} }\nmax_subscriptions: 2`, /^NATS refuses what/, /subscriptions/],
    ['its messages', `authorization { ${USER} }\nmax_payload: 65536`, /raise max_payload$/, /65536/],
    // NATS reports no error for a subject that it maps to another one.
    [
      'the way back',
      `authorization { ${USER} }\nmappings: { "switchboard.to.*": "lost.$1" }`,
      /do not come/,
      /\.to\.>/,
    ],
    ['a permission to reply', permissions('publish: { deny: "switchboard.receipt.>" }'), /deny a subject/, /receipt/],
  ])('is not ready, logs an error once, and joins without a restart: %s', async (_, config, message, reason) => {
    await configure(config);
    const nats = await startNats();
    const node = await startNode();
    expect(errors(node)).toMatchObject([
      { message: expect.stringMatching(message) as string, reason: expect.stringMatching(reason) as string },
    ]);
    expect(await readiness(node)).toBe(503);
    await nats.stop();
    await configure(`authorization { ${USER} }`);
    await nats.start();
    await node.logged('joined');
    expect(await readiness(node)).toBe(200);
    expect(errors(node)).toHaveLength(1);
  });

  it('is not ready, logs a warning, and joins without a restart: a connection beyond the limit', async () => {
    await configure(`authorization { ${USER} }\nmax_connections: 1`);
    await startNats();
    const first = await startNode();
    const second = await startNode();
    const warning = second.lines.find(({ reason }) => /max.*connections/i.test(String(reason)));
    expect(warning?.level).toMatch(/warn|error/);
    expect(await Promise.all([readiness(first), readiness(second)])).toEqual([200, 503]);
    await first.kill();
    await second.logged('joined');
    expect(await readiness(second)).toBe(200);
  });
});

describe('a node', () => {
  it('may be allowed receipts as replies only', async () => {
    const receipts = 'publish: ["switchboard.all", "switchboard.to.*", "switchboard.mail.*"], allow_responses: true';
    await configure(permissions(receipts));
    await startNats();
    await (await startNode()).logged('joined');
  });

  it('moves to another server when its own is in lame duck mode', async () => {
    await configure(`authorization { ${USER} }\nlame_duck_grace_period: "1s"`);
    await Promise.all([startNats(), startNats()]);
    const node = await startNode();
    const first = String((await node.logged('linked'))['server']);
    servers.find(({ port }) => first.endsWith(`:${port}`))!.shutDownSlowly();
    await node.logged('NATS server is in lame duck mode and will close the connection');
    const linked = (): LogLine[] => node.lines.filter(({ message }) => message === 'linked');
    await expect.poll(() => linked().length).toBe(2);
    expect(linked()[1]?.['server']).not.toBe(first);
    await expect.poll(() => node.lines.filter(({ message }) => message === 'joined').length).toBe(2);
    expect(await readiness(node)).toBe(200);
    expect(errors(node)).toEqual([]);
  });
});

function permissions(text: string): string {
  return `authorization { users = [ { ${USER}, permissions: { ${text} } } ] }`;
}
