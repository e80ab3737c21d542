import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { ERRORS } from '../../src/protocol/index.js';
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

  it('sends between its two sessions and joins each answer to its request', async () => {
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
      .element('result')
      .filter({ hasText: /^Answered by sys.ack/ })
      .waitFor();
    const ack = a.row('sys.ack');
    await ack.locator('summary').click();
    await ack.getByText('Answers “m1” (chat).').waitFor();
    expect(await a.element('messageId').inputValue()).toBe('m2');
  });

  it('shows arrivals and departures, and sets the receiver from the session list', async () => {
    const [a] = await opened.connected();
    const guest = await server.connect();
    const listed = a.element('list').locator(`[data-id="${guest.id}"]`);
    const notice = (type: string) => a.row(type).filter({ hasText: guest.id.slice(-10) });
    // Updated by the notice, before the next query of the list.
    await notice('sys.arrived').waitFor();
    expect(await listed.count()).toBe(1);
    await listed.click();
    expect(await a.element('receiver').inputValue()).toBe(guest.id);
    await guest.close();
    await notice('sys.departed').waitFor();
    expect(await listed.count()).toBe(0);
  });

  it('lists sessions that connected earlier, and selects one with the keyboard', async () => {
    const guests = await Promise.all(Array.from({ length: 5 }, () => server.connect()));
    const later = await ConsolePage.open(browser, origin);
    const [a] = await later.connected();
    const { id } = guests[3]!;
    await a.element('find').fill(id.slice(-8));
    await a.element('list').locator('[role=option]').nth(1).waitFor({ state: 'detached' });
    await a.element('list').focus();
    await later.page.keyboard.press('ArrowDown');
    await later.page.keyboard.press('Enter');
    expect(await a.element('receiver').inputValue()).toBe(id);
    await later.page.close();
    await Promise.all(guests.map((guest) => guest.close()));
  });

  it('explains an error and its next step', async () => {
    const [a] = await opened.connected();
    await a.write('chat', 'no.such.session', '');
    await a.send();
    const text = `${ERRORS.receiver_not_found} The session may have closed: choose a receiver from the list.`;
    await a
      .element('result')
      .filter({ hasText: `receiver_not_found: ${text}` })
      .waitFor();
    const error = a.row('sys.error');
    await error.locator('summary').click();
    expect(await error.locator('.explanation').innerText()).toContain(text);
  });

  it.each([
    ['invalid JSON', 'chat', '*', '{ "text": ', /^Invalid JSON/],
    ['a type with a space', 'two words', '*', '', /^A type may contain/],
    ['a reserved type', 'sys.kick', '*', '', /are reserved/],
    ['a long type', 'a'.repeat(65), '*', '', /64 characters at most; this one has 65/],
    ['a long receiver', 'chat', '😀'.repeat(129), '', /128 characters at most; this one has 129/],
    ['a message over the limit', 'chat', '*', JSON.stringify('a'.repeat(70_000)), /the server accepts 65536/],
  ])('rejects %s while it is typed', async (_, type, receiver, data, error) => {
    const [a] = await opened.connected();
    await a.write('chat', '😀'.repeat(128), '1');
    await a.root.locator('[data-element="send"]:enabled').waitFor();
    await a.write(type, receiver, data);
    await a.root.locator('[data-element="send"]:disabled').waitFor();
    expect(await a.element('result').innerText()).toMatch(error);
    expect(await a.root.locator('[aria-invalid="true"]').count()).toBe(1);
  });

  it('explains a close code, and does not reconnect after 4000', async () => {
    const [a] = await opened.connected();
    const id = await a.id();
    expect(server.app.get(Switchboard).close(id)).toBe(true);
    await a.element('advice').filter({ hasText: '4000 kicked' }).waitFor();
    expect(await a.element('advice').innerText()).toContain('fix the cause first');
    expect(await a.element('state').innerText()).toBe('Not connected');
  });

  it('reconnects after 1013', async () => {
    const [a] = await opened.connected();
    const id = await a.id();
    server.app.get(Switchboard).close(id, 1013);
    await a.row('close 1013').waitFor();
    await a
      .element('state')
      .filter({ hasText: /^Connected$/ })
      .waitFor();
    expect(await a.id()).not.toBe(id);
  });

  it('filters, pauses and clears the frame log', async () => {
    const [a, b] = await opened.connected();
    await b.write('first', await a.id(), '');
    await b.send();
    await a.row('first').waitFor();
    await a.element('filter').fill('"first"');
    await a.row('sys.welcome').waitFor({ state: 'detached' });
    await a.element('filter').fill('');
    await a.element('pause').click();
    await b.write('second', await a.id(), '');
    await b.send();
    await a.element('pause').filter({ hasText: 'Resume · 1' }).click();
    await a.row('second').waitFor();
    await a.element('clear').click();
    await a.element('noFrames').waitFor();
  });

  it('shows the latency, and its pings only as background frames', async () => {
    const [a] = await opened.connected();
    await a
      .element('latency')
      .filter({ hasText: /^[\d.]+$/ })
      .waitFor();
    expect(await a.element('chart').getAttribute('aria-label')).toMatch(/^Latency: [\d.]+ ms/);
    expect(await a.row('sys.pong').count()).toBe(0);
    await a.element('background').check();
    await a.row('sys.pong').first().waitFor();
  });

  it('shows a malformed frame, and why the client closed the connection', async () => {
    await opened.page.routeWebSocket('**/wss', (socket) => socket.send('not JSON'));
    await opened.page.reload();
    const a = opened.pane('A');
    await a.row('malformed').filter({ hasText: 'not JSON' }).first().waitFor();
    await a.row('close 1006').first().waitFor();
  });

  it('shows markup in messages as text', async () => {
    const [a] = await opened.connected();
    const guest = await server.connect();
    guest.send({ type: 'chat', receiver: await a.id(), data: '<img src=x onerror=alert(1)>' });
    await a.row('onerror').waitFor();
    expect(await a.root.locator('.rows img').count()).toBe(0);
    await guest.close();
  });
});

describe('the console of a server that forbids messages between sessions', () => {
  it('shows the reason, and still asks handlers', async () => {
    const server = await startServer({ DIRECT_MESSAGES: 'off' });
    const browser = await Browser.start();
    const opened = await ConsolePage.open(browser, `http://127.0.0.1:${server.port}`);
    const [a, b] = await opened.connected();
    await a.write('chat', await b.id(), '');
    await a.send();
    await a.element('result').filter({ hasText: 'forbidden: Sessions may not send messages to sessions.' }).waitFor();
    await a.write('demo.sum', '', '{ "numbers": [1, 2] }');
    await a.send();
    await a
      .element('result')
      .filter({ hasText: /^Answered by sys.ack/ })
      .waitFor();
    await opened.close();
    await browser.stop();
    await server.stop();
  });
});
