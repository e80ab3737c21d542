import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { Browser } from '../support/browser.js';
import type { Client } from '../support/client.js';
import { ConsolePage, type Pane } from '../support/console-page.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

describe('the rooms and users of the console', () => {
  let server: TestServer;
  let browser: Browser;
  let opened: ConsolePage;
  beforeAll(async () => {
    const settings = { AUTH: 'optional', SHOW_USERS: 'on', ROOM_NOTICE_LIMIT: '3', MAX_ROOMS_PER_SESSION: '2' };
    server = await startServer({ ...AUTH, ...settings });
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser?.stop();
    await server?.stop();
  });
  beforeEach(async () => {
    opened = await ConsolePage.open(browser, `http://127.0.0.1:${server.port}`);
  });
  afterEach(async () => {
    await opened.close();
  });

  async function guestOf(room: string, sub = 'ann'): Promise<Client> {
    const guest = await server.connect(bearer(await token({ sub })));
    guest.send({ type: 'sys.join', receiver: `#${room}`, id: 'join' });
    await guest.answer('join');
    return guest;
  }

  const tab = (pane: Pane, name: string) => pane.root.getByRole('tab', { name });
  const group = (pane: Pane, name: string) => pane.root.locator('.group').filter({ hasText: name });

  async function join(pane: Pane, room: string): Promise<void> {
    await tab(pane, 'Rooms').click();
    await pane.element('roomName').fill(room);
    await pane.element('join').click();
  }

  it('join a room, and show its members while they change', async () => {
    const guest = await guestOf('garden');
    const [a, b] = await opened.connected();
    await join(a, 'garden');
    const garden = group(a, '#garden');
    await garden.getByText('2', { exact: true }).waitFor();
    await garden.locator('.members li').filter({ hasText: 'you' }).waitFor();
    await garden
      .locator('.members li')
      .filter({ hasText: guest.id.slice(-10) })
      .filter({ hasText: 'ann' })
      .waitFor();
    await join(b, '#garden');
    await garden.getByText('3', { exact: true }).waitFor();
    await garden.locator('.members li').filter({ hasText: 'B' }).first().waitFor();
    await guest.close();
    await garden.getByText('2', { exact: true }).waitFor();
    await group(b, '#garden').getByRole('button', { name: 'Leave' }).click();
    await garden.getByText('1', { exact: true }).waitFor();
    await group(b, '#garden').waitFor({ state: 'detached' });
    expect(await b.element('roomCount').innerText()).toBe('0');
  });

  it('send to a room, whose name then stands beside the message', async () => {
    const [a, b] = await opened.connected();
    await join(a, 'chat-room');
    await join(b, 'chat-room');
    await group(b, '#chat-room').waitFor();
    await group(a, '#chat-room').getByRole('button', { name: 'Send to the room' }).click();
    expect(await a.element('receiver').inputValue()).toBe('#chat-room');
    await a.element('data').fill('"hello, room"');
    await a.send();
    const row = b.row('hello, room');
    await row
      .filter({ hasText: '#chat-room' })
      .filter({ hasText: (await a.id()).slice(-10) })
      .waitFor();
  });

  it('follow a room whose server gives only the number of members', async () => {
    const [a] = await opened.connected();
    await join(a, 'large');
    const large = group(a, '#large');
    await large.getByText('1', { exact: true }).waitFor();
    const guests = [await guestOf('large'), await guestOf('large'), await guestOf('large')];
    const last = large.locator('.members li').filter({ hasText: guests[2]!.id.slice(-10) });
    await last.waitFor();
    await large.getByText('4', { exact: true }).waitFor();
    for (const guest of guests) await guest.close();
    await last.waitFor({ state: 'detached' });
    await large.getByText('1', { exact: true }).waitFor();
  });

  it('show only the number of members of a room that is too large to list', async () => {
    const id = 'Abcd1234.0123456789abcdef';
    const data = { protocol: 1, heartbeatMs: 60_000, maxMessageBytes: 65_536, notices: 'all' };
    await opened.page.routeWebSocket('**/wss', (socket) => {
      const send = (type: string, sent: object) =>
        socket.send(JSON.stringify({ type, sender: 'server', receiver: id, data: sent }));
      send('sys.welcome', data);
      send('sys.members', { room: 'crowd', sessions: [id], total: 1204, next: id });
    });
    await opened.page.reload();
    const [a] = await opened.connected();
    await tab(a, 'Rooms').click();
    await group(a, '#crowd').getByText('1,204', { exact: true }).waitFor();
    await group(a, '#crowd').getByText('Too many members to list.').waitFor();
    expect(await group(a, '#crowd').locator('.members li').count()).toBe(0);
  });

  it('explain why a room cannot be joined', async () => {
    const [a] = await opened.connected();
    for (const room of ['one', 'two', 'three']) await join(a, room);
    await a.element('result').filter({ hasText: 'Leave a room first.' }).waitFor();
    expect(await a.element('roomCount').innerText()).toBe('2');
  });

  it('are joined and watched again after a reconnect, and not after a disconnect', async () => {
    const [a] = await opened.connected();
    await join(a, 'again');
    await tab(a, 'Users').click();
    await a.element('userName').fill('eve');
    await a.element('watch').click();
    await group(a, '@eve').filter({ hasText: 'offline' }).waitFor();
    const id = await a.id();
    server.app.get(Switchboard).close(id, 1013);
    await a.row('close 1013').waitFor();
    const eve = await guestOf('again', 'eve');
    await group(a, '@eve').filter({ hasText: 'online · 1 session' }).waitFor();
    await tab(a, 'Rooms').click();
    await group(a, '#again').locator('.members li').filter({ hasText: 'eve' }).waitFor();
    await a.element('connect').click();
    await a.element('noRooms').waitFor();
    await eve.close();
  });

  it('show when a watched user comes online and goes offline', async () => {
    const [a] = await opened.connected();
    await tab(a, 'Users').click();
    await a.element('userName').fill('@zoe');
    await a.element('userName').press('Enter');
    const zoe = group(a, '@zoe');
    await zoe.filter({ hasText: 'offline' }).waitFor();
    const session = await server.connect(bearer(await token({ sub: 'zoe' })));
    await zoe.filter({ hasText: 'online · 1 session' }).waitFor();
    await zoe.getByRole('button', { name: 'Send to the user' }).click();
    await a.send();
    expect(await session.next('chat')).toMatchObject({ sender: await a.id(), receiver: '@zoe' });
    await session.close();
    await zoe.filter({ hasText: 'offline' }).waitFor();
    await zoe.getByRole('button', { name: 'Unwatch' }).click();
    await a.element('noUsers').waitFor();
  });

  it('list rooms that were joined by a message, and are reached with the keyboard', async () => {
    const [a] = await opened.connected();
    await a.write('sys.join', '#typed', '');
    await a.send();
    await tab(a, 'Sessions').focus();
    await opened.page.keyboard.press('ArrowRight');
    await group(a, '#typed').waitFor();
    await opened.page.keyboard.press('Tab');
    await opened.page.keyboard.type('by.keyboard');
    await opened.page.keyboard.press('Enter');
    await group(a, '#by.keyboard').waitFor();
  });

  it.each([
    ['a room with a space', '#two words', /^The name of a room/],
    ['a user without a name', '@', /^Enter the name of a user/],
  ])('reject the receiver %s while it is typed', async (_, receiver, error) => {
    const [a] = await opened.connected();
    await a.write('chat', receiver, '');
    await a.root.locator('[data-element="send"]:disabled').waitFor();
    expect(await a.element('result').innerText()).toMatch(error);
  });
});
