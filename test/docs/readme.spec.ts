import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Tab } from '../support/browser.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const JOIN = /```js\n(.*?)```/s.exec(README)![1]!;
const SEND = /`(socket\.send\('[^`]+'\))`/.exec(README)![1]!;

describe('the README', () => {
  keepLogLines();
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await startServer();
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser.stop();
    await server.stop();
  });

  it('joins a room in three lines, and sends to the other window in one', async () => {
    expect(JOIN.trimEnd().split('\n')).toHaveLength(3);
    const first = await joined(browser, server);
    const second = await joined(browser, server);
    await expect.poll(() => first.console).toContain('"sys.joined"');
    await first.page.evaluate(SEND);
    await expect.poll(() => second.console).toContain('"data":"hello"');
    expect(first.console).not.toContain('"data":"hello"');
  });
});

/** Opens the page of the console, and runs the lines of the README there as its developer tools do. */
async function joined(browser: Browser, { port }: TestServer): Promise<Tab> {
  const tab = await browser.open(`http://127.0.0.1:${port}/`);
  await tab.page.evaluate(`(() => { ${JOIN}; globalThis.socket = socket; })()`);
  await expect.poll(() => tab.console).toContain('"sys.members"');
  return tab;
}
