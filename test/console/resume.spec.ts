import { afterEach, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.js';
import { ConsolePage, type Pane } from '../support/console-page.js';
import { startServer, type TestServer } from '../support/server.js';

describe('a session of the console whose connection is cut', () => {
  let server: TestServer;
  let browser: Browser;
  let opened: ConsolePage;
  afterEach(async () => {
    await opened.close();
    await browser.stop();
    await server.stop();
  });

  async function connected(variables: Record<string, string>): Promise<[Pane, Pane]> {
    server = await startServer(variables);
    browser = await Browser.start();
    opened = await ConsolePage.open(browser, `http://127.0.0.1:${server.port}`);
    return opened.connected();
  }

  const state = (pane: Pane, text: string) => pane.element('state').filter({ hasText: text });
  const advice = (pane: Pane, text: string) => pane.element('advice').filter({ hasText: text });

  it('is away, returns under its id, and shows what came back and what was sent again', async () => {
    const [a, b] = await connected({ AWAY_NOTICE_MS: '1' });
    const id = await a.id();
    await a.element('cut').click();
    await state(a, 'Away').waitFor();
    await advice(a, 'The console cut the connection. The server keeps the session').waitFor();
    expect(await a.id()).toBe(id);
    await b
      .row('sys.away')
      .filter({ hasText: id.slice(-10) })
      .waitFor();
    await b.element('list').locator(`[data-id="${id}"]`).filter({ hasText: 'A · away' }).waitFor();
    await b.write('chat', id, '"meanwhile"');
    await b.send();
    await b.row('chat').filter({ hasText: 'held' }).waitFor();
    await state(a, 'Resumed').waitFor();
    await advice(a, 'Session resumed').filter({ hasText: 'Frames that came back: 1; sent again: 0.' }).waitFor();
    await a.row('meanwhile').filter({ hasText: '↩' }).waitFor();
    await b.element('list').locator(`[data-id="${id}"]`).filter({ hasText: 'away' }).waitFor({ state: 'detached' });
    expect(await a.id()).toBe(id);
    expect(await b.row('sys.departed').count()).toBe(0);
  });

  it('stays in its rooms, whose other members see that it is away', async () => {
    const [a, b] = await connected({ AWAY_NOTICE_MS: '1' });
    for (const pane of [a, b]) {
      await pane.write('sys.join', '#garden', '');
      await pane.send();
      await pane.row('sys.members').first().waitFor();
      await pane.root.getByRole('tab', { name: 'Rooms' }).click();
    }
    const members = (pane: Pane) => pane.element('rooms').locator('.members li');
    await members(b).nth(1).waitFor();
    await a.element('cut').click();
    await members(b).filter({ hasText: 'A · away' }).waitFor();
    await state(a, 'Resumed').waitFor();
    await members(b).filter({ hasText: 'away' }).waitFor({ state: 'detached' });
    expect(await members(a).count()).toBe(2);
    expect(await a.root.locator('.row .type', { hasText: /^sys\.join$/ }).count()).toBe(1);
  });

  it('is a new session where it was away for too long, and says so', async () => {
    const [a] = await connected({ RESUME_WINDOW_MS: '500' });
    const id = await a.id();
    await a.element('cut').click();
    await advice(a, 'New session').filter({ hasText: 'The old one was away for too long.' }).waitFor();
    expect(await a.id()).not.toBe(id);
  });
});
