// Takes the screenshots of the console in docs/, from a server that it starts. Run `npm run build` first.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--hide-scrollbars',
];
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const folder = process.argv[2] ?? join(ROOT, 'docs'); // an argument also takes the phone screenshots

const server = spawn(process.execPath, [join(ROOT, 'dist/main.js')], {
  env: { ...process.env, HOST: '127.0.0.1', PORT: '0', LOG_FORMAT: 'json' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const profile = await mkdtemp(join(tmpdir(), 'switchboard-screenshots-'));
try {
  const origin = await listening();
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
    viewport: DESKTOP,
    colorScheme: 'light',
  });
  const page = await browser.newPage();
  await browser
    .newPage()
    .then((tab) => tab.goto(`${origin}/health/live`).then(() => tab.evaluate(connectSessions, origin)));
  await page.bringToFront();
  await page.goto(origin);
  await exchangeMessages(page);
  await screenshot(page, 'console.png', DESKTOP, 'light');
  await screenshot(page, 'console-dark.png', DESKTOP, 'dark');
  if (process.argv[2]) {
    await screenshot(page, 'phone.png', PHONE, 'light');
    await screenshot(page, 'phone-dark.png', PHONE, 'dark');
  }
  await browser.close();
} finally {
  server.kill();
  await rm(profile, { recursive: true, maxRetries: 5 });
}

/** Resolves to the origin of the server, from its log. */
async function listening() {
  for await (const line of createInterface({ input: server.stdout })) {
    const { message, url } = JSON.parse(line);
    if (message === 'listening') {
      server.stdout.resume();
      return new URL(url.replace(/^ws/, 'http')).origin;
    }
  }
  throw new Error('the server exited before it was listening');
}

/** Opens further sessions for the session list; runs in a tab. */
function connectSessions(origin) {
  const url = `${origin.replace(/^http/, 'ws')}/wss`;
  const sockets = Array.from({ length: 48 }, () => new WebSocket(url));
  return Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))),
  );
}

/** Sends messages between the panes, with one error. */
async function exchangeMessages(page) {
  const [a, b] = [page.locator('.pane').nth(0), page.locator('.pane').nth(1)];
  await a.getByText('Connected').waitFor();
  await b.getByText('Connected').waitFor();
  await a.locator('[data-element="latency"]').filter({ hasText: /\d/ }).waitFor();
  const send = async (pane, type, data, to = /^Session [AB]$/) => {
    await pane.getByLabel('Type', { exact: true }).fill(type);
    await pane.getByLabel('Data').fill(data);
    await pane.getByRole('button', { name: to }).click();
    await pane.getByRole('button', { name: 'Send', exact: true }).click();
  };
  for (const pane of [a, b]) {
    await pane.getByRole('tab', { name: 'Rooms' }).click();
    await pane.getByLabel('Room to join').fill('garden');
    await pane.getByRole('button', { name: 'Join' }).click();
  }
  await a.getByRole('tab', { name: 'Sessions' }).click();
  await send(a, 'chat', '{ "text": "Can you read me?" }');
  await send(b, 'chat', '{ "text": "Loud and clear." }');
  await send(a, 'offer', '{ "sdp": "v=0", "video": true }');
  await send(b, 'answer', '{ "sdp": "v=0", "accepted": true }');
  await send(b, 'demo.sum', '{ "numbers": [1, 2, 3.5] }', 'Server');
  await b.getByText('Answered by').waitFor();
  await send(a, 'chat', '{ "text": "Anyone?" }', 'Everyone');
  await b.getByRole('button', { name: 'Send to the room' }).click();
  await b.getByRole('button', { name: 'Send', exact: true }).click();
  await a.getByText('Answered by').waitFor();
  await a.getByLabel('Template').selectOption({ label: 'Error: no receiver' });
  await a.getByRole('button', { name: 'Send', exact: true }).click();
  await a.locator('.result').filter({ hasText: 'receiver_not_found' }).waitFor();
  // Waits until the latency chart has a line.
  await page.waitForFunction(
    () => document.querySelector('.latency .line').getAttribute('points').split(' ').length > 12,
    undefined,
    {
      timeout: 60_000,
    },
  );
}

async function screenshot(page, name, viewport, colorScheme) {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
  await page.locator(`:root[data-theme="${colorScheme}"]`).waitFor();
  await page.screenshot({ path: join(folder, name), fullPage: viewport === PHONE });
}
