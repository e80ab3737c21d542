import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const KEY = 'a-key-of-many-characters';
const MAX_MESSAGE_BYTES = 65_536;
/** The least `max_payload` that docs/scaling.md allows. */
const MAX_PAYLOAD = MAX_MESSAGE_BYTES + 150_000;
/** Sessions of one node, whose list has more than `max_payload` bytes but less than 200,000 characters. */
const SESSIONS = 350;
/** A user of the most characters that a token may have, each of three bytes in UTF-8. */
const USER = '\u5b57'.repeat(256);

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function call(cluster: Cluster, node: number, method: string, path: string, body?: string, key?: string) {
  const sent = request(`http://127.0.0.1:${cluster.nodes[node]!.port}/api/v1${path}`, {
    method,
    agent: false,
    headers: {
      Authorization: `Bearer ${KEY}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    },
  }).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, body: JSON.parse(await text(response)) } as Answered;
}

describe('with the least max_payload of NATS', () => {
  let folder: string;
  let cluster: Cluster;
  let ann: Client;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-nats-'));
    await writeFile(join(folder, 'nats.conf'), `max_payload: ${MAX_PAYLOAD}\n`);
    const variables = {
      ...AUTH,
      API_KEYS: KEY,
      ARRIVAL_NOTICES: 'off',
      SHOW_USERS: 'on',
      MAX_CONNECTIONS_PER_USER: '0',
    };
    cluster = await Cluster.start(1, variables, undefined, '-c', join(folder, 'nats.conf'));
    const jwt = await token({ sub: USER });
    for (let count = 0; count < SESSIONS; count++) await connect(cluster.url(0), bearer(jwt));
    await cluster.add();
    ann = await connect(cluster.url(1), bearer(await token()));
  });
  afterAll(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true });
  });

  it('a node that joins receives a session list of many bytes', async () => {
    for (let total = 0; total !== SESSIONS + 1;) {
      ann.send({ type: 'sys.who', id: 'who', data: { limit: 1 } });
      ({ total } = (await ann.answer('who')).data as { total: number });
    }
  });

  it('the HTTP API shows the details of all sessions of a page', async () => {
    const { status, body } = await call(cluster, 1, 'GET', '/sessions?limit=1000');
    const sessions = body['sessions'] as { id: string; since?: string; user?: string }[];
    expect([status, sessions.length]).toEqual([200, SESSIONS + 1]);
    expect(sessions.filter(({ since }) => since === undefined)).toEqual([]);
    expect(sessions.filter(({ user }) => user === USER)).toHaveLength(SESSIONS);
  });
});

describe('a long POST with an Idempotency-Key', () => {
  let cluster: Cluster;
  let ann: Client;

  beforeAll(async () => {
    cluster = await Cluster.start(2, { API_KEYS: KEY, ARRIVAL_NOTICES: 'off', MAX_MESSAGE_BYTES: '800000' });
    ann = await connect(cluster.url(0));
    await cluster.settled();
  });
  afterAll(() => cluster.stop());

  /** Posts a message of 700,000 bytes under eight keys, some of which each node owns. Returns the answers without order. */
  async function post(data: string): Promise<Set<string>> {
    const body = JSON.stringify({ type: 'long', receiver: ann.id, data });
    const answers = new Set<string>();
    for (let index = 0; index < 8; index++) {
      const answer = await call(cluster, 0, 'POST', '/messages', body, `${data.length}-${index}`);
      answers.add(`${answer.status} ${String(answer.body['code'] ?? answer.body['status'])}`);
    }
    return answers;
  }

  it('is routed whichever node owns the key', async () => {
    expect(await post('x'.repeat(700_000))).toEqual(new Set(['200 routed']));
  });

  it('is answered 413 where it does not fit between nodes, and says so', async () => {
    expect(await post('"'.repeat(350_000))).toEqual(new Set(['200 routed', '413 message_too_big']));
  });
});
