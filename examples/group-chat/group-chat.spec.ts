import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestClient, type TestServer } from 'switchboard/testing';
import { GroupChatModule } from './group-chat.module.js';

const MAX_LINES = 5;

describe('the group chat', () => {
  let folder: string;
  let file: string;
  let app: TestServer;
  const start = (): Promise<TestServer> =>
    startTestServer({ imports: [GroupChatModule.forRoot({ file, maxLines: MAX_LINES })] });
  const joined = async (name: string, group = 'garden'): Promise<TestClient> => {
    const member = await app.connect();
    member.send({ type: 'group.join', data: { group, name } });
    return member;
  };
  const say = async (member: TestClient, text: string, group = 'garden'): Promise<void> => {
    member.send({ type: 'group.say', id: text, data: { group, text } });
    expect(await member.next('sys.ack')).toMatchObject({ ref: text, data: { status: 'accepted' } });
  };
  const textsFor = async (member: TestClient): Promise<string[]> =>
    (await member.next<{ lines: { text: string }[] }>('group.join')).data.lines.map(({ text }) => text);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-history-'));
    file = join(folder, 'history.jsonl');
    app = await start();
  });
  afterEach(async () => {
    await app.stop();
    await rm(folder, { recursive: true });
  });

  it('sends a line to the other members only', async () => {
    const [ann, bob, eve] = [await joined('Ann'), await joined('Bob'), await joined('Eve', 'kitchen')];
    await textsFor(ann);
    expect((await ann.next('group.joined')).data).toEqual({ group: 'garden', name: 'Bob' });
    await say(ann, 'hello');
    expect(await bob.next('group.line')).toMatchObject({ sender: 'server', data: { from: 'Ann', text: 'hello' } });
    await Promise.all([ann.settled(), eve.settled()]);
    expect([...ann.inbox, ...eve.inbox].filter(({ type }) => type === 'group.line')).toEqual([]);
  });

  it('refuses a line of a session that has not joined', async () => {
    const eve = await joined('Eve', 'kitchen');
    eve.send({ type: 'group.say', id: '1', data: { group: 'garden', text: 'let me in' } });
    expect(await eve.next('sys.error')).toMatchObject({ ref: '1', data: { code: 'forbidden' } });
    eve.send({ type: 'group.join', id: '2', data: { group: 'No!', name: 'Eve' } });
    expect(await eve.next('sys.error')).toMatchObject({ ref: '2', data: { code: 'invalid_message' } });
  });

  it('lets no session forge a line or an arrival', async () => {
    const [ann, eve] = [await joined('Ann'), await joined('Eve', 'kitchen')];
    await textsFor(ann);
    for (const type of ['group.line', 'group.joined', 'group.left']) {
      eve.send({
        type,
        receiver: ann.id,
        id: type,
        data: { group: 'garden', from: 'Bob', name: 'Bob', text: 'forged' },
      });
      expect(await eve.answer(type)).toMatchObject({ type: 'sys.error', data: { code: 'reserved_type' } });
    }
    await ann.settled();
    expect(ann.inbox.filter(({ type }) => type.startsWith('group.'))).toEqual([]);
  });

  it('notifies the members when a member leaves or its connection is lost', async () => {
    const [ann, bob, eve] = [await joined('Ann'), await joined('Bob'), await joined('Eve')];
    await Promise.all([bob.next('group.join'), eve.next('group.join')]);
    bob.send({ type: 'group.leave', data: { group: 'garden' } });
    expect((await ann.next('group.left')).data).toEqual({ group: 'garden', name: 'Bob' });
    eve.terminate();
    expect((await ann.next('group.left')).data).toEqual({ group: 'garden', name: 'Eve' });
  });

  it('keeps the last lines over a restart, and skips an incomplete line', async () => {
    const ann = await joined('Ann');
    for (const text of ['one', 'two', 'three']) await say(ann, text);
    await app.stop();
    await appendFile(file, '\n{"group":"garden","text":"cut sh');
    app = await start();
    const bob = await joined('Bob');
    expect(await textsFor(bob)).toEqual(['one', 'two', 'three']);
    await say(bob, 'four');
    await app.stop();
    app = await start();
    expect(await textsFor(await joined('Eve'))).toEqual(['one', 'two', 'three', 'four']);
  });

  it('bounds the lines in memory and in the file', async () => {
    const ann = await joined('Ann');
    for (let line = 1; line <= MAX_LINES * 5; line++) {
      await say(ann, `line ${line}`);
      expect((await readFile(file, 'utf8')).split('\n').length).toBeLessThanOrEqual(MAX_LINES * 2);
    }
    const last = ['line 21', 'line 22', 'line 23', 'line 24', 'line 25'];
    expect(await textsFor(await joined('Bob'))).toEqual(last);
    await app.stop();
    app = await start();
    expect(await textsFor(await joined('Eve'))).toEqual(last);
  });
});
