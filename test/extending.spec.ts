import { Module } from '@nestjs/common';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './support/server.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Extracts the handler of docs/extending.md and runs it. */
describe('the guide to extending', () => {
  let folder: string;
  let app: TestServer;

  beforeAll(async () => {
    const guide = await readFile(join(ROOT, 'docs/extending.md'), 'utf8');
    folder = await mkdtemp(join(ROOT, 'test/guide-'));
    const file = join(folder, 'poll.gateway.ts');
    await writeFile(file, block(guide, 'poll.gateway.ts').replaceAll(`from '../`, `from '../../src/`));
    const { Poll, PollGateway } = (await import(/* @vite-ignore */ file)) as Record<string, new () => object>;
    @Module({ providers: [Poll!, PollGateway!] })
    class GuideModule {}
    app = await startServer({}, [GuideModule]);
  });
  afterAll(async () => {
    await app?.stop();
    await rm(folder, { recursive: true });
  });

  it('has a handler that works as described', async () => {
    const [alice, bob] = [await app.connect(), await app.connect()];
    alice.send({ type: 'poll.open', data: { question: 'Tea?', answers: ['yes', 'no'] } });
    expect((await bob.next('poll.opened')).data.question).toBe('Tea?');
    bob.send({ type: 'poll.open', id: '0', data: { question: 'Coffee?', answers: ['yes', 'no'] } });
    expect((await bob.next('sys.error')).data).toEqual({ code: 'refused', message: 'A poll is open already.' });
    bob.send({ type: 'poll.vote', id: '1', data: { answer: 0 } });
    expect(await bob.next('poll.vote')).toMatchObject({ ref: '1', data: { votes: [1, 0] } });
    bob.send({ type: 'poll.vote', id: '2', data: { answer: 1 } });
    expect(await bob.next('sys.error')).toMatchObject({ ref: '2', data: { code: 'already_voted' } });
    bob.send({ type: 'poll.vote', data: { answer: 'x' } });
    expect((await bob.next('sys.error')).data.code).toBe('invalid_message');
    bob.send({ type: 'poll.close' });
    expect((await bob.next('sys.error')).data.code).toBe('forbidden');
    await alice.close();
    expect((await bob.next('poll.closed')).data).toEqual({ votes: [1, 0] });
  });

  it('has a handler whose results no client can forge', async () => {
    const [eve, bob] = [await app.connect(), await app.connect()];
    for (const type of ['poll.opened', 'poll.closed']) {
      eve.send({ type, receiver: bob.id, id: type, data: { votes: [9, 0] } });
      expect(await eve.answer(type)).toMatchObject({ type: 'sys.error', data: { code: 'reserved_type' } });
    }
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });
});

/** Returns the code block that begins with a comment of this name. */
function block(text: string, name: string): string {
  const [, code] = text.split(`<!-- ${name} -->\n\n\`\`\`ts\n`);
  if (code === undefined) throw new Error(`the guide has no ${name}`);
  return code.split('\n```')[0]!;
}
