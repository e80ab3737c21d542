import { connect as connectNats } from '@nats-io/transport-node';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/standalone/app.js';
import { encodeMessage } from '../../src/cluster/wire/node-codec.js';
import { NODE_VERSION } from '../../src/cluster/wire/node-message.js';
import { makeCertificates } from '../support/certificates.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';
import { randomBytes } from 'node:crypto';
import { connect } from '../support/client.js';

describe('access to NATS', () => {
  let nats: NatsServer | undefined;
  let node: ServerProcess | undefined;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-nats-'));
  });
  afterEach(async () => {
    await node?.kill();
    await nats?.stop();
    nats = node = undefined;
    await rm(folder, { recursive: true });
  });

  const start = async (variables: Record<string, string>): Promise<ServerProcess> =>
    (node = await ServerProcess.start({ BACKPLANE: 'nats', NATS_URL: nats!.url, ...variables }));

  it('works with a user and a password, and logs a wrong one', async () => {
    nats = await NatsServer.start('--user', 'nodes', '--pass', 'secret-of-nodes');
    await start({ NATS_USER: 'nodes', NATS_PASSWORD: 'secret-of-nodes' });
    await node!.logged('joined');
    expect(JSON.stringify(node!.lines)).not.toContain('secret-of-nodes');
    await node!.kill();
    await start({ NATS_USER: 'nodes', NATS_PASSWORD: 'another' });
    const refused = node!.lines.find(({ message }) => message.startsWith('NATS refuses the credentials of this node'));
    expect(refused).toMatchObject({ level: 'error', reason: expect.stringMatching(/authorization/i) as string });
  });

  it('works with a token', async () => {
    nats = await NatsServer.start('--auth', 'token-of-nodes');
    await start({ NATS_TOKEN: 'token-of-nodes' });
    await node!.logged('joined');
  });

  it('rejects a server certificate of an unknown authority', async () => {
    await makeCertificates(folder, '--client', 'node');
    const file = (name: string): string => join(folder, name);
    const flags = ['--tlscert', file('server.crt'), '--tlskey', file('server.key'), '--tlscacert', file('ca.crt')];
    nats = await NatsServer.start('--tls', '--tlsverify', ...flags);
    const own = { NATS_TLS_CERT_FILE: file('node.crt'), NATS_TLS_KEY_FILE: file('node.key') };
    await start({ NATS_URL: nats.url.replace('nats:', 'tls:'), NATS_TLS_CA_FILE: file('ca.crt'), ...own });
    await node!.logged('joined');
    await node!.kill();
    await start({ NATS_URL: nats.url.replace('nats:', 'tls:') });
    expect(String((await node!.logged('cannot reach NATS'))['reason'])).toMatch(/certificate/i);
  });

  it('fails at start where a file cannot be read', async () => {
    const variables = { BACKPLANE: 'nats', NATS_URL: 'nats://127.0.0.1:1', NATS_CREDS_FILE: join(folder, 'none') };
    await expect(createApp({ variables })).rejects.toThrow('NATS_CREDS_FILE cannot be read');
    await writeFile(join(folder, 'none'), '');
    await expect(createApp({ variables })).resolves.toBeDefined();
  });

  it('uses any server of the list', async () => {
    nats = await NatsServer.start();
    await start({ NATS_URL: `nats://127.0.0.1:1 ${nats.url}` });
    await node!.logged('joined');
  });

  it('survives messages of an incompatible version and malformed ones', async () => {
    nats = await NatsServer.start();
    await start({});
    const nodeId = String((await node!.logged('joined'))['part']);
    const stranger = await connectNats({ servers: nats.url });
    const newer = encodeMessage({ nodeId: 'abcdefgh', incarnation: 1 }, { kind: 'heartbeat', sequence: 0 });
    newer[0] = NODE_VERSION + 2;
    stranger.publish('switchboard.all', newer);
    expect(await node!.logged('ignoring node with incompatible protocol version')).toMatchObject({
      level: 'warn',
      version: NODE_VERSION + 2,
      ours: NODE_VERSION,
    });
    for (let round = 0; round < 200; round++) {
      const bytes = Buffer.concat([Buffer.from([NODE_VERSION, round % 12]), randomBytes(round)]);
      for (const subject of ['all', `to.${nodeId}`, `mail.${nodeId}`, `receipt.${nodeId}.${round}`])
        stranger.publish(`switchboard.${subject}`, bytes, { reply: 'unused' });
    }
    await stranger.flush();
    await stranger.close();
    const [ann, bob] = await Promise.all([connect(node!.url), connect(node!.url)]);
    ann.send({ type: 'x', receiver: bob.id, id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { status: 'routed' } });
  });
});
