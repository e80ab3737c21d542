import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { decode } from '../../src/protocol/index.js';
import { connect, type Client, type Received } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const COLLECTION = join(DOCS, 'postman/collections/Switchboard');

/** A row of the table: a frame, what comes back, and what the other tab is sent. */
interface Row {
  readonly name: string;
  readonly frame: string;
  readonly answers: readonly object[];
  readonly other: object | undefined;
}

const ROWS = rows(readFileSync(join(DOCS, 'postman.md'), 'utf8'));

describe('docs/postman.md', () => {
  let server: TestServer;
  let first: Client;
  let second: Client;
  beforeAll(async () => {
    server = await startServer();
    first = await connect(server.url);
    second = await connect(server.url);
    await first.next('sys.arrived');
  });
  afterAll(() => server.stop());

  it.each(ROWS)('promises of $name what the server does', async ({ frame, answers, other }) => {
    const text = frame.replaceAll('{{other}}', second.id);
    expect(decode(text).id).toBeDefined();
    first.sendText(text);
    const came: Received[] = [];
    for (let { length } = answers; length > 0; length--) came.push(await first.next());
    expect(came).toMatchObject(answers);
    await first.settled();
    expect(first.inbox).toEqual([]);
    await second.settled();
    expect(second.inbox.splice(0)).toMatchObject(other === undefined ? [] : [{ ...other, sender: first.id }]);
  });

  it('sends sys.departed to the first tab when the second closes', async () => {
    const third = await connect(server.url);
    await first.next('sys.arrived');
    await third.close();
    expect((await first.next('sys.departed')).sender).toBe(third.id);
  });
});

describe('the collection for Postman', () => {
  const definition = yaml('.resources/definition.yaml');
  const request = yaml('session.request.yaml');

  it('is a collection with one WebSocket request', () => {
    expect(definition).toMatchObject({ $kind: 'collection', variables: { url: 'wss://localhost/wss', other: '' } });
    expect(readdirSync(COLLECTION).toSorted()).toEqual(['.resources', 'session.request.yaml']);
    expect(request).toMatchObject({ $kind: 'websocket-request', url: '{{url}}' });
    const known = ['$kind', 'name', 'description', 'order', 'url', 'headers', 'messages', 'settings'];
    expect(Object.keys(request).filter((key) => !known.includes(key))).toEqual([]);
  });

  it('has the frames of the table as its messages', () => {
    const folder = request['messages'] as string;
    const files = readdirSync(join(COLLECTION, folder));
    expect(files.toSorted()).toEqual(ROWS.map(({ name }) => `${name}.message.yaml`).toSorted());
    for (const { name, frame } of ROWS)
      expect(yaml(join(folder, `${name}.message.yaml`))).toEqual({
        $kind: 'websocket-message',
        content: frame,
        contentType: 'json',
      });
  });

  it('says how the local authority comes out of the proxy as the README does', () => {
    const command = 'docker compose cp nginx:/certs/ca.crt ca.crt';
    expect(readFileSync(join(DOCS, 'postman.md'), 'utf8')).toContain(command);
    expect(readFileSync(join(dirname(DOCS), 'README.md'), 'utf8')).toContain(command);
  });
});

function yaml(path: string): Record<string, unknown> {
  return parse(readFileSync(join(COLLECTION, path), 'utf8')) as Record<string, unknown>;
}

/** The rows of the table of frames; every cell is code. */
function rows(text: string): Row[] {
  const table = text.split('\n').filter((line) => /^\| `\d/.test(line));
  return table.map((line) => {
    const [name, frame, answers, other] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!));
    return {
      name: name![0]!,
      frame: frame![0]!,
      answers: answers!.map((each) => JSON.parse(each) as object),
      other: other![0] === undefined ? undefined : (JSON.parse(other![0]) as object),
    };
  });
}
