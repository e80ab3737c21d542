import type axe from 'axe-core';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH } from '../support/tokens.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 360, height: 740 };
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

describe('the accessibility of the console', () => {
  let server: TestServer;
  let browser: Browser;
  let origin: string;
  beforeAll(async () => {
    server = await startServer({ ...AUTH, AUTH: 'optional' }); // shows the token field
    origin = `http://127.0.0.1:${server.port}`;
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser?.stop();
    await server?.stop();
  });

  it.each([
    ['a desktop, light', DESKTOP, 'light'],
    ['a desktop, dark', DESKTOP, 'dark'],
    ['a phone, light', PHONE, 'light'],
    ['a phone, dark', PHONE, 'dark'],
  ] as const)('axe finds no violation on %s', async (_, size, colorScheme) => {
    const { opened, close } = await openConsole(size, colorScheme);
    expect(await violations(opened)).toEqual([]);
    const a = opened.pane('A');
    for (const [tab, field, name] of [
      ['Rooms', 'roomName', 'garden'],
      ['Users', 'userName', 'ann'],
    ] as const) {
      await a.root.getByRole('tab', { name: tab }).click();
      await a.element(field).fill(name);
      await a.element(field).press('Enter');
      await a.root.locator('.group:visible').waitFor();
      expect(await violations(opened)).toEqual([]);
    }
    await opened.page.locator('#token-box summary').click();
    await opened.page.getByLabel('Token (JWT)').fill('no token');
    await opened.page.getByRole('button', { name: 'Connect with token' }).click();
    expect(await violations(opened)).toEqual([]);
    await close();
  });

  it('scrolls vertically only on a phone', async () => {
    const { opened, close } = await openConsole(PHONE, 'light');
    const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await opened.page.evaluate(wide)).toBe(0);
    expect(await opened.pane('B').root.isVisible()).toBe(false);
    await opened.page.getByRole('button', { name: 'Session B', pressed: false }).first().click();
    expect(await opened.pane('B').root.isVisible()).toBe(true);
    expect(await opened.page.evaluate(wide)).toBe(0);
    await close();
  });

  it('follows the system theme until the button is used, and stores the choice', async () => {
    const { opened, close } = await openConsole(DESKTOP, 'dark');
    const { page } = opened;
    await page.locator(':root[data-theme=dark]').waitFor();
    await page.getByRole('button', { name: 'Dark' }).click();
    await page.locator(':root[data-theme=light]').waitFor();
    await page.reload();
    await page.locator(':root[data-theme=light]').waitFor();
    await page.evaluate('localStorage.clear()');
    await close();
  });

  it('sends with the keyboard', async () => {
    const { opened, close } = await openConsole(DESKTOP, 'light');
    const a = opened.pane('A');
    await a.element('type').fill('by.keyboard');
    await a.element('receiver').fill(await a.id());
    await a.element('data').fill('');
    await opened.page.keyboard.press('Control+Enter');
    await a.row('by.keyboard').first().waitFor();
    await close();
  });

  /** Opens a console that shows messages, an error and an open row. */
  async function openConsole(size: { width: number; height: number }, colorScheme: 'light' | 'dark') {
    const opened = await ConsolePage.open(browser, origin);
    await opened.page.setViewportSize(size);
    await opened.page.emulateMedia({ colorScheme });
    const [a] = await opened.connected();
    await a.write('chat', await a.id(), '{ "text": "Hello" }');
    await a.send();
    await a.write('chat', 'no.such.session', '');
    await a.send();
    const error = a.row('sys.error');
    await error.locator('summary').click();
    await error.locator('.explanation').waitFor();
    await a.element('data').fill('{');
    return { opened, close: () => opened.page.close() };
  }
});

/** Returns the violations that axe finds, with their elements. */
async function violations({ page }: ConsolePage): Promise<unknown[]> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const run = `axe.run(document, { runOnly: ${JSON.stringify(TAGS)}, resultTypes: ['violations'] })`;
  const found = await page.evaluate<axe.AxeResults>(run);
  return found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 120))]);
}

describe('the console with 3,000 sessions', () => {
  it('renders few of them and stays responsive', async () => {
    const server = await startServer({ ARRIVAL_NOTICES: 'off', MAX_CONNECTIONS: '4000' });
    const guests: Awaited<ReturnType<typeof server.connect>>[] = [];
    while (guests.length < 3000)
      guests.push(...(await Promise.all(Array.from({ length: 100 }, () => server.connect()))));
    const browser = await Browser.start();
    // A busy machine makes any task long, so one short attempt of three suffices.
    const longest: number[] = [];
    for (let attempt = 0; attempt < 3 && !longest.some((ms) => ms < 200); attempt += 1) {
      const opened = await ConsolePage.open(browser, `http://127.0.0.1:${server.port}`);
      const [a] = await opened.connected();
      await a
        .element('sessionCount')
        .filter({ hasText: /^(3,00|2,9|2,8)/ })
        .waitFor();
      await opened.page.evaluate(`
        globalThis.tasks = [0];
        new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
          .observe({ type: 'longtask', buffered: true });`);
      expect(await a.element('list').locator('[role=option]').count()).toBeLessThan(40);
      await a.element('list').focus();
      await opened.page.keyboard.press('End');
      const last = a.element('list').locator('[role=option][aria-selected=true]');
      expect(await last.getAttribute('aria-posinset')).toBe(await last.getAttribute('aria-setsize'));
      const leaving = guests.splice(0, 50);
      const { id } = leaving.at(-1)!;
      await Promise.all(leaving.map((guest) => guest.close()));
      await a.row(id.slice(-10)).waitFor();
      longest.push(await opened.page.evaluate<number>('Math.max(...tasks)'));
      await opened.page.close();
    }
    expect(Math.min(...longest)).toBeLessThan(200);
    await browser.stop();
    await server.stop();
  }, 180_000);
});
