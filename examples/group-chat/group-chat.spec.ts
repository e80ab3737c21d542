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
  const joined = async (user: string, receiver = '#garden'): Promise<TestClient> => {
    const member = await app.connect({ user });
    await member.request('sys.join', undefined, { receiver });
    return member;
  };
  const say = async (member: TestClient, text: string): Promise<void> => {
    expect(await member.requestAll('chat.say', { text }, { receiver: '#garden' })).toEqual([]);
  };
  const textsFor = async (member: TestClient): Promise<string[]> =>
    (await member.next<{ lines: { text: string }[] }>('chat.history')).data.lines.map(({ text }) => text);

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
    const [ann, bob, eve] = [await joined('ann'), await joined('bob'), await joined('eve', '#kitchen')];
    await say(ann, 'hello');
    expect(await bob.next('chat.line')).toMatchObject({
      sender: ann.id,
      receiver: '#garden',
      data: { room: 'garden', from: 'ann', text: 'hello' },
    });
    await Promise.all([ann.settled(), eve.settled()]);
    expect([...ann.inbox, ...eve.inbox].filter(({ type }) => type === 'chat.line')).toEqual([]);
  });

  it('refuses a line of a session that has not joined', async () => {
    const eve = await joined('eve', '#kitchen');
    for (const receiver of ['#garden', '@eve', eve.id])
      await expect(eve.request('chat.say', { text: 'let me in' }, { receiver })).rejects.toMatchObject({
        code: 'not_joined',
      });
    await expect(eve.request('chat.say', { text: 'nobody' })).rejects.toMatchObject({ code: 'not_joined' });
  });

  it('lets no session forge a line or a history', async () => {
    const [ann, eve] = [await joined('ann'), await joined('eve')];
    for (const type of ['chat.line', 'chat.history'])
      await expect(eve.request(type, { text: 'forged' }, { receiver: '#garden' })).rejects.toMatchObject({
        code: 'reserved_type',
      });
    await textsFor(ann);
    await ann.settled();
    expect(ann.inbox.filter(({ type }) => type.startsWith('chat.'))).toEqual([]);
  });

  it('keeps the last lines over a restart, and skips an incomplete line', async () => {
    const ann = await joined('ann');
    for (const text of ['one', 'two', 'three']) await say(ann, text);
    await app.stop();
    await appendFile(file, '\n{"room":"garden","text":"cut sh');
    app = await start();
    const bob = await joined('bob');
    expect(await textsFor(bob)).toEqual(['one', 'two', 'three']);
    await say(bob, 'four');
    await app.stop();
    app = await start();
    expect(await textsFor(await joined('eve'))).toEqual(['one', 'two', 'three', 'four']);
  });

  it('bounds the lines in memory and in the file', async () => {
    const ann = await joined('ann');
    for (let line = 1; line <= MAX_LINES * 5; line++) {
      await say(ann, `line ${line}`);
      expect((await readFile(file, 'utf8')).split('\n').length).toBeLessThanOrEqual(MAX_LINES * 2);
    }
    const last = ['line 21', 'line 22', 'line 23', 'line 24', 'line 25'];
    expect(await textsFor(await joined('bob'))).toEqual(last);
    await app.stop();
    app = await start();
    expect(await textsFor(await joined('eve'))).toEqual(last);
  });
});
