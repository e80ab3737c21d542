import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Switchboard } from 'switchboard';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { CookbookModule } from './cookbook.module.js';

const MAX_LINES = 39;
const folder = new URL('./', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.gateway.ts'));

describe('the cookbook', () => {
  let app: TestServer;

  beforeAll(async () => {
    // Ending the start, if two of the gateways claimed one type.
    app = await startServer({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', HEARTBEAT_MS: '1000' }, [CookbookModule]);
  });
  afterAll(() => app.stop());

  it('has twelve gateways under 40 lines, each with a test and a row in the README', () => {
    expect(files).toHaveLength(12);
    const readme = readFileSync(new URL('README.md', folder), 'utf8');
    for (const file of files) {
      const lines = readFileSync(new URL(file, folder), 'utf8').trimEnd().split('\n').length;
      expect([file, lines <= MAX_LINES]).toEqual([file, true]);
      expect(readdirSync(folder)).toContain(file.replace('.gateway.ts', '.spec.ts'));
      expect(readme).toContain(`](${file})`);
    }
  });

  it('has a prefix of message types for each gateway', () => {
    const prefixes = files.map((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const types = [...text.matchAll(/'([a-z]+)\.[a-z]+'/g)].map(([, prefix]) => prefix!);
      expect([file, new Set(types).size]).toEqual([file, 1]);
      return types[0];
    });
    expect(new Set(prefixes).size).toBe(files.length);
  });

  it('keeps nothing of the sessions that have left', async () => {
    const switchboard = app.app.get(Switchboard, { strict: false });
    const [stays, ...leaving] = await Promise.all(Array.from({ length: 11 }, () => app.connect()));
    const sessions = leaving.map(({ id }) => new WeakRef(switchboard.find(id)!));
    for (const client of leaving) await useAll(client, stays!);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = (): number => (collect(), sessions.filter((session) => session.deref() !== undefined).length);
    expect(held()).toBe(leaving.length);
    for (const client of leaving) client.terminate();
    // Nest holds the last session that opened and the last that closed.
    await expect.poll(held, { timeout: 15_000 }).toBeLessThanOrEqual(2);
    await stays!.close();
  });
});

/** Lets a client use each gateway that keeps something of a session, and leave in the middle of all. */
async function useAll(client: Client, other: Client): Promise<void> {
  const messages: [string, object?][] = [
    ['room.split', { room: 'garden' }],
    ['match.find', { game: 'go' }],
    ['cursor.move', { x: 0, y: 0 }],
    ['job.run', { job: 'long', steps: 10_000 }],
    ['poll.open', { question: 'Tea?', answers: ['yes', 'no'] }],
    ['poll.vote', { poll: client.id, answer: 0 }],
    ['presence.set', { status: 'busy' }],
    ['hash.text', { text: 'x' }],
    ['stream.clock', { everyMs: 10 }],
    ['file.offer', { to: other.id, name: 'photo.jpg' }],
    ['stock.change', { item: 'nuts', change: 1 }],
  ];
  client.send({ type: 'sys.join', receiver: '#garden' });
  for (const [type, data] of messages) client.send({ type, data });
  await client.next('stock.change');
}
