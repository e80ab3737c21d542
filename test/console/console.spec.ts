import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { Browser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startServer, type TestServer } from '../support/server.js';

describe('the console', () => {
  let server: TestServer;
  let browser: Browser;
  let origin: string;
  let opened: ConsolePage;
  beforeAll(async () => {
    server = await startServer();
    origin = `http://127.0.0.1:${server.port}`;
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser?.stop();
    await server?.stop();
  });
  beforeEach(async () => {
    opened = await ConsolePage.open(browser, origin);
  });
  afterEach(async () => {
    await opened.close();
  });

  it('lets its two sessions talk, and joins each answer to its message', async () => {
    const [a, b] = await opened.connected();
    await a.write('chat', await b.id(), '{ "text": "Hello, Bert", "big": 12345678901234567890 }');
    await a.send();
    const received = b.row('Hello, Bert');
    await received.waitFor();
    expect(await received.locator('.preview').innerText()).toContain('Hello, Bert');
    await a
      .row('chat')
      .filter({ hasText: /routed · [\d.]+ ms/ })
      .waitFor();
    await a
      .part('verdict')
      .filter({ hasText: /^Answered by sys.ack/ })
      .waitFor();
    const ack = a.row('sys.ack');
    await ack.locator('summary').click();
    await ack.getByText('Answers “m1” (chat).').waitFor();
    expect(await a.part('ref').inputValue()).toBe('m2');
  });

  it('shows arrivals and departures, and takes a session from the list as the receiver', async () => {
    const [a] = await opened.connected();
    const guest = await server.connect();
    const listed = a.part('list').locator(`[data-id="${guest.id}"]`);
    const told = (type: string) => a.row(type).filter({ hasText: guest.id.slice(-10) });
    // At once and by the notice, not when the list is asked for again.
    await told('sys.arrived').waitFor();
    expect(await listed.count()).toBe(1);
    await listed.click();
    expect(await a.part('receiver').inputValue()).toBe(guest.id);
    await guest.close();
    await told('sys.departed').waitFor();
    expect(await listed.count()).toBe(0);
  });

  it('lists who was there before it, and finds one of them by the keyboard', async () => {
    const guests = await Promise.all(Array.from({ length: 5 }, () => server.connect()));
    const later = await ConsolePage.open(browser, origin);
    const [a] = await later.connected();
    const { id } = guests[3]!;
    await a.part('find').fill(id.slice(-8));
    await a.part('list').locator('[role=option]').nth(1).waitFor({ state: 'detached' });
    await a.part('list').focus();
    await later.page.keyboard.press('ArrowDown');
    await later.page.keyboard.press('Enter');
    expect(await a.part('receiver').inputValue()).toBe(id);
    await later.page.close();
    await Promise.all(guests.map((guest) => guest.close()));
  });

  it('explains an error in words, with what to do', async () => {
    const [a] = await opened.connected();
    await a.write('chat', 'nobody.there', '');
    await a.send();
    const words = 'No session has this id. The session may have gone: pick a receiver from the list.';
    await a
      .part('verdict')
      .filter({ hasText: `receiver_not_found: ${words}` })
      .waitFor();
    const error = a.row('sys.error');
    await error.locator('summary').click();
    expect(await error.locator('.why').innerText()).toContain(words);
  });

  it.each([
    ['data that is no JSON', 'chat', '*', '{ "text": ', /^Not JSON yet/],
    ['a type with a space', 'two words', '*', '', /^A type is made of/],
    ['a type of the server’s', 'sys.kick', '*', '', /the server’s/],
    ['a long type', 'a'.repeat(65), '*', '', /64 characters at most; this one has 65/],
    ['a long receiver', 'chat', '😀'.repeat(129), '', /128 characters at most; this one has 129/],
    ['a message over the limit', 'chat', '*', JSON.stringify('a'.repeat(70_000)), /this server takes 65536/],
  ])('refuses %s while it is typed', async (_, type, receiver, data, words) => {
    const [a] = await opened.connected();
    await a.write('chat', '😀'.repeat(128), '1');
    await a.root.locator('[data-part="send"]:enabled').waitFor();
    await a.write(type, receiver, data);
    await a.root.locator('[data-part="send"]:disabled').waitFor();
    expect(await a.part('verdict').innerText()).toMatch(words);
    expect(await a.root.locator('[aria-invalid="true"]').count()).toBe(1);
  });

  it('explains a close in words, and stays away where that is the advice', async () => {
    const [a] = await opened.connected();
    const id = await a.id();
    expect(server.app.get(Switchboard).close(id)).toBe(true);
    await a.part('advice').filter({ hasText: '4000 kicked' }).waitFor();
    expect(await a.part('advice').innerText()).toContain('Coming again would end the same way');
    expect(await a.part('state').innerText()).toBe('Not connected');
  });

  it('comes again by itself where that is the advice', async () => {
    const [a] = await opened.connected();
    const id = await a.id();
    server.app.get(Switchboard).close(id, 1013);
    await a.row('close 1013').waitFor();
    await a
      .part('state')
      .filter({ hasText: /^Connected$/ })
      .waitFor();
    expect(await a.id()).not.toBe(id);
  });

  it('filters, pauses and clears the log', async () => {
    const [a, b] = await opened.connected();
    await b.write('first', await a.id(), '');
    await b.send();
    await a.row('first').waitFor();
    await a.part('filter').fill('"first"');
    await a.row('sys.welcome').waitFor({ state: 'detached' });
    await a.part('filter').fill('');
    await a.part('pause').click();
    await b.write('second', await a.id(), '');
    await b.send();
    await a.part('pause').filter({ hasText: 'Resume · 1' }).click();
    await a.row('second').waitFor();
    await a.part('clear').click();
    await a.part('silence').waitFor();
  });

  it('draws the latency', async () => {
    const [a] = await opened.connected();
    await a
      .part('latency')
      .filter({ hasText: /^[\d.]+$/ })
      .waitFor();
    expect(await a.part('chart').getAttribute('aria-label')).toMatch(/^Latency: [\d.]+ ms/);
    expect(await a.row('sys.pong').count()).toBe(0);
    await a.part('background').check();
    await a.row('sys.pong').first().waitFor();
  });

  it('never takes what others send for markup', async () => {
    const [a] = await opened.connected();
    const guest = await server.connect();
    guest.send({ type: 'chat', receiver: await a.id(), data: '<img src=x onerror=alert(1)>' });
    await a.row('onerror').waitFor();
    expect(await a.root.locator('.rows img').count()).toBe(0);
    await guest.close();
  });
});
