import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';
import { exchange, request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { Roamer } from '../support/roamer.js';

const SETTINGS = { BACKPLANE: 'nats', BACKPLANE_TIMEOUT_MS: '500', ARRIVAL_NOTICES: 'off', AWAY_NOTICE_MS: '0' };
/** Handshakes to another node at a time, of all addresses. */
const SLOTS = 32;

describe('a session whose node', () => {
  let nats: NatsServer;
  let nodes: ServerProcess[];
  let ann: Roamer;
  let bob: Roamer;

  beforeEach(async () => {
    nats = await NatsServer.start();
    nodes = [];
    [ann, bob] = [new Roamer(), new Roamer()];
  });
  afterEach(async () => {
    for (const client of [ann, bob]) client.cut();
    await Promise.all(nodes.map((node) => node.kill()));
    await nats.stop();
  });

  /** Starts two nodes and opens a session on the first one. */
  async function start(nodeTimeoutMs: number, more: Record<string, string> = {}): Promise<void> {
    const variables = { ...SETTINGS, NODE_TIMEOUT_MS: String(nodeTimeoutMs), NATS_URL: nats.url, ...more };
    for (let count = 0; count < 2; count++) nodes.push(await ServerProcess.start(variables));
    await ann.open(nodes[0]!);
    await bob.open(nodes[1]!);
    bob.send({ type: 'chat', receiver: ann.id });
    await ann.next('chat'); // both nodes know each other by now
  }

  it('is stopped is answered 503, and is there again afterwards', async () => {
    await start(20_000);
    const { id, token } = ann;
    ann.cut();
    nodes[0]!.signal('SIGSTOP');
    const offer = `Sec-WebSocket-Protocol: switchboard.v1, resume.${token}.1`;
    const { port } = new URL(nodes[1]!.url);
    const answer = await exchange(Number(port), request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, offer]));
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([503, true]);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'unavailable' } });
    await expect(ann.return(nodes[1]!)).rejects.toThrow('503');
    nodes[0]!.signal('SIGCONT');
    await ann.return(nodes[1]!);
    expect([ann.id, ann.returns, ann.breaches]).toEqual([id, 1, []]);
  });

  it('is stopped is reached again in time, although one address takes all slots that it may', async () => {
    await start(60_000, { BACKPLANE_TIMEOUT_MS: '20000', FRONT_PROXIES: '127.0.0.1' });
    const { id, token } = ann;
    ann.cut();
    nodes[0]!.signal('SIGSTOP');
    const forged = `Sec-WebSocket-Protocol: switchboard.v1, resume.${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}.1`;
    const { port } = new URL(nodes[1]!.url);
    const attack = request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, 'X-Forwarded-For: 203.0.113.7', forged]);
    const ask = async (): Promise<unknown> => exchange(Number(port), attack).catch(() => undefined);
    for (let count = 0; count < SLOTS; count++) void ask(); // an accepted one ends with its node
    const returned = ann.return(nodes[1]!);
    expect(await ask()).toMatchObject({ status: 503 }); // has waited for a slot as long as it may
    nodes[0]!.signal('SIGCONT');
    await returned;
    expect([ann.id, ann.returns, ann.breaches]).toEqual([id, 1, []]);
  });

  it('is killed is answered 503 until the node is declared dead, then a new session with node_lost', async () => {
    await start(2000);
    const { id } = ann;
    await nodes[0]!.kill();
    const failures: string[] = [];
    const returned = (): Promise<boolean> =>
      ann.return(nodes[1]!).then(
        () => true,
        (error: Error) => failures.push(error.message) === 0,
      );
    while (!(await returned()));
    expect(new Set(failures)).toEqual(new Set(['refused with 503']));
    expect([ann.welcome, ann.returns]).toEqual([expect.objectContaining({ resumed: false, reason: 'node_lost' }), 0]);
    expect(ann.id).not.toBe(id);
  });

  it('is declared dead and comes back ends, because the others have its departure', async () => {
    await start(2000);
    const { id } = ann;
    nodes[0]!.signal('SIGSTOP');
    expect(await bob.next('sys.departed')).toMatchObject({ sender: id, data: { code: 1006 } });
    const lost = ann.lost();
    nodes[0]!.signal('SIGCONT');
    await lost;
    await ann.return(nodes[0]!);
    expect([ann.welcome, ann.returns]).toEqual([expect.objectContaining({ resumed: false, reason: 'ended' }), 0]);
    expect(ann.id).not.toBe(id);
  });
});
