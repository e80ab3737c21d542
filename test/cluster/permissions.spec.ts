import { connect as connectNats } from '@nats-io/transport-node';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { connect, type Client } from '../support/client.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';

const QUICK = { NODE_TIMEOUT_MS: '1500', BACKPLANE_TIMEOUT_MS: '500' };
const DENIED = /^NATS permissions deny a subject; grant it/;
const SUBJECTS = ['switchboard.all', 'switchboard.to.>', 'switchboard.mail.>', 'switchboard.receipt.>'];

let folder: string;
let nats: NatsServer;
let nodes: ServerProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-nats-'));
  nodes = [];
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  await nats.stop();
  await rm(folder, { recursive: true });
});

/** Writes the configuration of NATS: the permissions of the only user, or all of it. */
const configure = (text: string): Promise<void> => writeFile(join(folder, 'nats.conf'), text);
const permit = (permissions: string, more = ''): Promise<void> =>
  configure(`authorization { users = [ { user: nodes, password: pass, permissions: { ${permissions} } } ] }\n${more}`);

const startNats = async (): Promise<void> => {
  nats = await NatsServer.start('-c', join(folder, 'nats.conf'));
};

async function startNode(more: Record<string, string> = {}): Promise<ServerProcess> {
  const access = { BACKPLANE: 'nats', NATS_URL: nats.url, NATS_USER: 'nodes', NATS_PASSWORD: 'pass' };
  const node = await ServerProcess.start({ ...access, ...QUICK, ...more });
  nodes.push(node);
  return node;
}

interface Readiness {
  readonly status: number;
  readonly reason: string | undefined;
}

async function readiness(node: ServerProcess): Promise<Readiness> {
  const { status, body } = await ask(`${node.origin}/health/ready`);
  const { details } = JSON.parse(body) as { details: { backplane: { reason?: string } } };
  return { reason: details.backplane.reason, status };
}

async function linked(node: ServerProcess): Promise<number> {
  return Number(/^switchboard_backplane_linked (\d)/m.exec((await ask(`${node.origin}/metrics`)).body)?.[1]);
}

/** Returns the answer to a message, as a status or a code. */
async function answerTo(client: Client, receiver: string): Promise<string> {
  client.send({ type: 'try', receiver, id: 'try' });
  const { data } = await client.answer('try');
  return (data as { status?: string }).status ?? (data as { code: string }).code;
}

describe('a subject that NATS denies', () => {
  it.each(SUBJECTS.flatMap((subject) => ['publish', 'subscribe'].map((operation) => [operation, subject] as const)))(
    'keeps a node from joining: %s to %s',
    async (operation, subject) => {
      await permit(`${operation}: { deny: ["${subject}"] }`);
      await startNats();
      const node = await startNode();
      const line = node.lines.find(({ message }) => DENIED.test(message));
      expect(line).toMatchObject({ level: 'error', reason: `${operation} to ${subject}` });
      const [ann, bob] = await Promise.all([connect(node.url), connect(node.url)]);
      expect(await answerTo(ann, bob.id)).toBe('routed');
      expect(await answerTo(ann, '*')).toBe('unavailable');
      expect(await readiness(node)).toMatchObject({
        status: 503,
        reason: expect.stringContaining(subject) as string,
      });
      expect(await linked(node)).toBe(0);
      expect(node.lines.map(({ message }) => message)).not.toContain('joined');
      await permit('');
      nats.reload();
      await node.logged('joined');
      expect(await readiness(node)).toMatchObject({ status: 200 });
      expect(await linked(node)).toBe(1);
      // Attempts that fail in the same way are logged once.
      expect(node.lines.filter(({ message }) => DENIED.test(message))).toHaveLength(1);
    },
  );

  it.each(SUBJECTS.flatMap((subject) => ['publish', 'subscribe'].map((operation) => [operation, subject] as const)))(
    'takes nodes out of service while they run, and a grant brings them back: %s to %s',
    async (operation, subject) => {
      await permit('');
      await startNats();
      await Promise.all([startNode(), startNode()]);
      const clients = await Promise.all(nodes.map((node) => connect(node.url)));
      const [ann, bob] = clients as [Client, Client];
      await expect.poll(() => answerTo(ann, bob.id)).toBe('routed');
      await permit(`${operation}: { deny: ["${subject}"] }`);
      nats.reload();
      for (const node of nodes) {
        await expect
          .poll(() => readiness(node))
          .toMatchObject({
            status: 503,
            reason: expect.stringContaining(`${operation} to ${subject}`) as string,
          });
        expect(await linked(node)).toBe(0);
        expect(node.lines.filter(({ message }) => DENIED.test(message))).toMatchObject([{ level: 'error' }]);
      }
      expect(await answerTo(ann, bob.id)).toBe('unavailable');
      expect(await answerTo(bob, '*')).toBe('unavailable');
      await permit('');
      nats.reload();
      for (const node of nodes) await expect.poll(() => readiness(node)).toMatchObject({ status: 200 });
      await expect.poll(() => answerTo(ann, bob.id)).toBe('routed');
      // Neither node counted the silence of the other one, because neither received its own heartbeats.
      expect(clients.flatMap(({ inbox }) => inbox.filter(({ type }) => type === 'sys.departed'))).toEqual([]);
    },
  );

  it('is named with NATS_SUBJECT as a remedy, where the user may use another prefix', async () => {
    await permit('publish: ["chat.>"], subscribe: ["chat.>"]');
    await startNats();
    const node = await startNode();
    const line = node.lines.find(({ level }) => level === 'error');
    expect(line?.message).toMatch(/NATS_SUBJECT/);
    expect(line?.['reason']).toMatch(/publish to switchboard\.all.*subscribe to switchboard\.all/);
    const other = await startNode({ NATS_SUBJECT: 'chat' });
    await other.logged('joined');
  });

  it.each([
    ['its reply subject', 'another.subject', 'another.subject'],
    ['a number in its reply subject', 'switchboard.receipt.stranger', 'switchboard.receipt.>'],
  ])('of a stranger is logged once for each connection, and ends nothing: %s', async (_, reply, logged) => {
    const publish = '{ allow: "switchboard.>", deny: "switchboard.receipt.stranger.>" }';
    await configure(`authorization { users = [
      { user: nodes, password: pass, permissions: { publish: ${publish}, subscribe: "switchboard.>" } }
      { user: stranger, password: pass }
    ] }`);
    await startNats();
    const node = await startNode();
    const { part } = await node.logged('joined');
    const stranger = await connectNats({ servers: nats.url, user: 'stranger', pass: 'pass' });
    const batch = stranger.subscribe(`switchboard.mail.${String(part)}`, { max: 1 });
    const probe = (async () => {
      for await (const message of batch) return message.data;
      return undefined;
    })();
    // Probes of the node itself, sent again by a stranger with other reply subjects.
    const own = await probe;
    const replies = [...Array(20).keys()].map((number) => (logged === reply ? reply : `${reply}.${number}`));
    for (const each of [...replies, 'last', ...replies, 'end'])
      stranger.publish(`switchboard.mail.${String(part)}`, own, { reply: each });
    const denied = () => node.lines.filter(({ message }) => message === 'NATS permissions deny a subject');
    await expect.poll(() => denied().at(-1)?.['reason']).toMatch(/\bend\b/);
    expect(denied()).toMatchObject(
      [logged, 'last', 'end'].map((subject) => ({ level: 'error', reason: `publish to ${subject}` })),
    );
    await stranger.close();
    expect(await readiness(node)).toMatchObject({ status: 200 });
    expect(node.lines.map(({ message }) => message)).not.toContain('link lost');
  });

  it('is not among the permissions of docs/scaling.md', async () => {
    const document = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
    const [, snippet] = /```conf\n([\s\S]*?)```/.exec(document) ?? [];
    await configure(snippet!);
    await startNats();
    const access = { NATS_PASSWORD: 'a-long-password', ARRIVAL_NOTICES: 'on', NOTICE_SCOPE: 'all' };
    await Promise.all([startNode(access), startNode(access)]);
    const [ann, bob] = (await Promise.all(nodes.map((node) => connect(node.url)))) as [Client, Client];
    await expect.poll(() => answerTo(ann, bob.id)).toBe('routed');
    await expect.poll(() => answerTo(bob, ann.id)).toBe('routed');
    expect(await answerTo(ann, '*')).toBe('accepted');
    await bob.next('try');
    ann.send({ type: 'sys.who', id: 'who' });
    expect(await ann.answer('who')).toMatchObject({ data: { total: 2 } });
    await bob.close();
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id });
    expect(nodes.flatMap(({ lines }) => lines.filter(({ level }) => level === 'error'))).toEqual([]);
  });
});
