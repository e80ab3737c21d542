import { Module } from '@nestjs/common';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConnectGuard } from '../src/gateway/handshake/connect-guard.js';
import { Switchboard } from '../src/messaging/switchboard.js';
import { startServer, type TestServer } from './support/server.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files of an application that the guide assumes. */
const ASSUMED = {
  'handlers.module.ts': `import { Module } from '@nestjs/common';
  import { Poll, PollGateway } from './poll.gateway.js';
  @Module({ providers: [Poll, PollGateway] })
  export class HandlersModule {}`,
  'classrooms.ts': `export class Classrooms {
    readonly members: string[] = [];
    share(...ids: string[]): boolean {
      return ids.every((id) => this.members.includes(id));
    }
  }`,
  'messages.ts': `export class Messages {
    async *all(): AsyncGenerator<{ id: number; text: string }> {
      for (const [id, text] of ['hello', 'bye'].entries()) yield { id, text };
    }
  }`,
  'logins.ts': `export class Logins {
    isKey = (key: string): boolean => key === 'good';
    find = async (sid: string): Promise<object | undefined> =>
      sid === 'good' ? { user: 'ann', role: 'clerk', endsAtMs: Date.now() + 60_000 } : undefined;
  }`,
};

const guide = await readFile(join(ROOT, 'docs/extending.md'), 'utf8');
const folder = await mkdtemp(join(ROOT, 'test/guide-'));
const BLOCKS = ['poll.gateway.ts', 'history.gateway.ts', 'ticket.gateway.ts', 'classroom.module.ts', 'login.guard.ts'];
for (const name of BLOCKS)
  await writeFile(join(folder, name), block(guide, name).replaceAll(`from '../`, `from '../../src/`));
for (const [name, text] of Object.entries(ASSUMED)) await writeFile(join(folder, name), text);
await writeFile(
  join(folder, 'poll.spec.ts'),
  block(guide, 'poll.spec.ts')
    .replace(`'../src/handlers/handlers.module.js'`, `'./handlers.module.js'`)
    .replaceAll(`from '../src/`, `from '../../src/`),
);
afterAll(() => rm(folder, { recursive: true }));

/** Extracts the handler, its test, the policy and the connect guard of docs/extending.md and runs them. */
describe('the guide to extending', async () => {
  let app: TestServer;

  // Its tests join this file.
  await import(/* @vite-ignore */ join(folder, 'poll.spec.ts'));

  beforeAll(async () => {
    const { Poll, PollGateway } = await importGuide('poll.gateway.ts');
    @Module({ providers: [Poll!, PollGateway!] })
    class GuideModule {}
    app = await startServer({}, [GuideModule]);
  });
  afterAll(async () => {
    await app?.stop();
  });

  const importGuide = async (name: string): Promise<Record<string, new () => object>> =>
    (await import(/* @vite-ignore */ join(folder, name))) as Record<string, new () => object>;

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

  it('has a handler that streams', async () => {
    const { HistoryGateway } = await importGuide('history.gateway.ts');
    const { Messages } = await importGuide('messages.ts');
    @Module({ providers: [HistoryGateway!, Messages!] })
    class HistoryModule {}
    const server = await startServer({}, [HistoryModule]);
    const alice = await server.connect();
    alice.send({ type: 'history.read', id: '1' });
    expect((await alice.next('history.read')).data).toEqual({ text: 'hello' });
    expect((await alice.next('history.read')).data).toEqual({ text: 'bye' });
    expect((await alice.next()).type).toBe('sys.ack');
    await server.stop();
  });

  it('has a handler that puts sessions into rooms', async () => {
    const { TicketGateway } = await importGuide('ticket.gateway.ts');
    @Module({ providers: [TicketGateway!] })
    class TicketModule {}
    const server = await startServer({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' }, [TicketModule]);
    const [alice, bob] = [await server.connect(), await server.connect()];
    for (const client of [alice, bob]) await client.request('ticket.open', { ticket: 7 });
    expect(await alice.next('sys.joined')).toMatchObject({ sender: bob.id, receiver: '#ticket.7' });
    await bob.close();
    expect(await alice.next('ticket.alone')).toMatchObject({ sender: 'server', receiver: '#ticket.7' });
    await server.stop();
  });

  it('has a policy that allows messages within a classroom only', async () => {
    const { ClassroomModule } = await importGuide('classroom.module.ts');
    const { Classrooms } = await importGuide('classrooms.ts');
    const school = await startServer({ ARRIVAL_NOTICES: 'off' }, [ClassroomModule!]);
    const [alice, bob, eve] = [await school.connect(), await school.connect(), await school.connect()];
    school.app.get<{ members: string[] }>(Classrooms!, { strict: false }).members.push(alice.id, bob.id);
    alice.send({ type: 'chat', receiver: bob.id, data: 'hello' });
    expect(await bob.next('chat')).toMatchObject({ sender: alice.id, data: 'hello' });
    for (const receiver of [eve.id, '*']) {
      alice.send({ type: 'chat', receiver, id: receiver, data: 'hello' });
      expect(await alice.answer(receiver)).toMatchObject({ type: 'sys.error', data: { code: 'forbidden' } });
    }
    await eve.settled();
    expect(eve.inbox).toEqual([]);
    await school.stop();
  });

  it('has a connect guard that admits cookies and keys', async () => {
    const { LoginGuard } = await importGuide('login.guard.ts');
    const { Logins } = await importGuide('logins.ts');
    @Module({ providers: [Logins!, { provide: ConnectGuard, useClass: LoginGuard! }] })
    class LoginModule {}
    const office = await startServer({}, [LoginModule]);
    const userWith = async (headers: Record<string, string>): Promise<string | undefined> => {
      const { id } = await office.connect({ headers });
      return office.app.get(Switchboard).find(id)?.user;
    };
    expect(await userWith({ Cookie: 'theme=dark; sid=good' })).toBe('ann');
    expect(await userWith({ 'X-Api-Key': 'good' })).toBeUndefined();
    await expect(userWith({ 'X-Api-Key': 'bad' })).rejects.toThrow('403');
    await expect(userWith({ Cookie: 'sid=bad' })).rejects.toThrow('401');
    await expect(userWith({})).rejects.toThrow('401');
    await office.stop();
  });
});

/** Returns the code block that begins with a comment of this name. */
function block(text: string, name: string): string {
  const [, code] = text.split(`<!-- ${name} -->\n\n\`\`\`ts\n`);
  if (code === undefined) throw new Error(`the guide has no ${name}`);
  return code.split('\n```')[0]!;
}
