import { Module } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  SYSTEM_REQUESTS,
  CLOSE_CODES,
  ERRORS,
  HANDSHAKE_REJECTIONS,
  SERVER_MESSAGES,
} from '../../src/protocol/index.js';
import { Browser, type Tab } from '../support/browser.js';
import { keepLogLines } from '../support/log-lines.js';
import { OrdersGateway, OtherOrdersGateway } from '../support/orders.gateway.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH } from '../support/tokens.js';

@Module({ providers: [OrdersGateway, OtherOrdersGateway] })
class OrdersModule {}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

describe('/docs', () => {
  keepLogLines();
  let server: TestServer;
  let browser: Browser;
  let tab: Tab;
  const requests: string[] = [];
  beforeAll(async () => {
    server = await startServer({}, [OrdersModule]);
    browser = await Browser.start();
    tab = await browser.open();
    tab.page.on('request', (request) => requests.push(request.url()));
    await tab.page.goto(`http://127.0.0.1:${server.port}/docs`);
    await tab.page.waitForSelector('#limits');
  });
  afterAll(async () => {
    await browser.stop();
    await server.stop();
  });

  it('shows every message, error, close code and handshake rejection', async () => {
    const messages = await texts(tab.page, '.message h3');
    for (const type of [...Object.keys(SERVER_MESSAGES), ...Object.keys(SYSTEM_REQUESTS), 'order:place', 'order.menu'])
      expect(messages).toContain(type);
    const errors = await texts(tab.page, '#errors tbody th');
    expect(errors).toEqual(Object.keys(ERRORS));
    expect(await texts(tab.page, '#close-codes tbody th')).toEqual(Object.keys(CLOSE_CODES));
    expect(await texts(tab.page, '#connect tbody th')).toEqual(Object.keys(HANDSHAKE_REJECTIONS));
  });

  it("shows the rules of a handler's fields", async () => {
    const message = tab.page.locator('.message', { has: tab.page.locator('h3', { hasText: 'order:place' }) });
    const rows = await message.locator('tbody tr').allInnerTexts();
    const row = (field: string): string | undefined => rows.find((text) => text.startsWith(field));
    expect(row('note')).toMatch(/required.*string, 2 to 40 characters.*A note for the kitchen\./s);
    expect(row('size')).toContain('"S" or "L"');
    expect(row('items[].count')).toContain('integer, 1 to 99');
    expect(row('mail')).toMatch(/optional.*mail must be an email/s);
  });

  it('shows the receiver that a request must have, and the examples of a request', async () => {
    const message = (type: string) => tab.page.locator(`[aria-labelledby="message-${type}"]`);
    expect(await message('sys.join').innerText()).toContain('receiver: # and the name of the room.');
    expect(await message('sys.unwatch').innerText()).toContain('receiver: @ and the user.');
    expect(await message('sys.who').locator('pre').allInnerTexts()).toEqual([
      expect.stringContaining('"limit": 50'),
      expect.stringContaining('"receiver": "@ann"'),
      expect.stringContaining('"receiver": "#garden"'),
    ]);
  });

  it('says whether a token is required, and how to send it', async () => {
    expect(await tab.page.locator('#connect').innerText()).toContain('No token is required.');
    const strict = await startServer(AUTH);
    const other = await fresh(browser, strict.port);
    const text = await other.page.locator('#connect').innerText();
    expect(text).toMatch(/A token is required\..*Authorization.*bearer\.TOKEN/s);
    await other.close();
    await strict.stop();
  });

  it('loads only from its own server, without errors in the browser', () => {
    expect(requests.length).toBeGreaterThan(5);
    expect(requests.filter((url) => !url.startsWith(`http://127.0.0.1:${server.port}/`))).toEqual([]);
    expect(tab.console).toBe('');
  });

  it('has a Content-Security-Policy without other origins, and serves only its own files', async () => {
    const { headers } = await fetch(`http://127.0.0.1:${server.port}/docs`);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect((await fetch(`http://127.0.0.1:${server.port}/docs/..%2Fasyncapi.js`)).status).toBe(404);
  });

  it('filters messages and table rows', async () => {
    await tab.page.fill('#find', 'kitchen');
    expect(await visible(tab.page, '.message h3')).toEqual(['order:place']);
    await tab.page.fill('#find', 'slow_consumer');
    expect(await visible(tab.page, '#close-codes tbody th')).toEqual(['4100']);
    await tab.page.fill('#find', '');
    expect((await visible(tab.page, '.message h3')).length).toBeGreaterThan(12);
  });

  it.each(['light', 'dark'] as const)('has no accessibility violation (%s)', async (colorScheme) => {
    for (const width of [1280, 390]) {
      await tab.page.setViewportSize({ width, height: 800 });
      await tab.page.emulateMedia({ colorScheme });
      expect(await violations(browser, server, colorScheme, width)).toEqual([]);
      expect(await tab.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    }
  });
});

async function texts(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allInnerTexts();
}

async function visible(page: Page, selector: string): Promise<string[]> {
  return page.locator(`${selector}:visible`).allInnerTexts();
}

/** Returns the violations that axe finds. The debugger injects axe, because the policy blocks foreign scripts. */
async function violations(
  browser: Browser,
  { port }: TestServer,
  colorScheme: 'light' | 'dark',
  width: number,
): Promise<unknown[]> {
  const { page, close } = await fresh(browser, port);
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 800 });
  await page.evaluate(AXE);
  const found = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => ({ html })) })))',
  );
  await close();
  return found;
}

async function fresh(browser: Browser, port: number): Promise<{ page: Page; close: () => Promise<void> }> {
  const tab = await browser.open(`http://127.0.0.1:${port}/docs`);
  await tab.page.waitForSelector('#limits');
  return { page: tab.page, close: () => tab.close() };
}
