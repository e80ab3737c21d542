// Makes the pictures of the console in docs/ from a server of its own: run `npm run build` first.
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
const folder = process.argv[2] ?? join(ROOT, 'docs'); // with a folder, the phone's pictures too

const server = spawn(process.execPath, [join(ROOT, 'dist/main.js')], {
  env: { ...process.env, HOST: '127.0.0.1', PORT: '0', LOG_FORMAT: 'json' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const profile = await mkdtemp(join(tmpdir(), 'switchboard-pictures-'));
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
    .then((crowd) => crowd.goto(`${origin}/health/live`).then(() => crowd.evaluate(gather, origin)));
  await page.bringToFront();
  await page.goto(origin);
  await converse(page);
  await picture(page, 'console.png', DESKTOP, 'light');
  await picture(page, 'console-dark.png', DESKTOP, 'dark');
  if (process.argv[2]) {
    await picture(page, 'phone.png', PHONE, 'light');
    await picture(page, 'phone-dark.png', PHONE, 'dark');
  }
  await browser.close();
} finally {
  server.kill();
  await rm(profile, { recursive: true, maxRetries: 5 });
}

/** Resolves to the address the server says it has. */
async function listening() {
  for await (const line of createInterface({ input: server.stdout })) {
    const { message, url } = JSON.parse(line);
    if (message === 'listening') {
      server.stdout.resume();
      return new URL(url.replace(/^ws/, 'http')).origin;
    }
  }
  throw new Error('the server ended before it listened');
}

/** Others in the list. */
function gather(origin) {
  const url = `${origin.replace(/^http/, 'ws')}/wss`;
  const crowd = Array.from({ length: 48 }, () => new WebSocket(url));
  return Promise.all(
    crowd.map((socket) => new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))),
  );
}

/** A short talk between the panes, with one mistake in it. */
async function converse(page) {
  const [a, b] = [page.locator('.pane').nth(0), page.locator('.pane').nth(1)];
  await a.getByText('Connected').waitFor();
  await b.getByText('Connected').waitFor();
  await a.locator('[data-part="number"], [data-part="latency"]').filter({ hasText: /\d/ }).first().waitFor();
  const say = async (pane, type, data, to = /^Session [AB]$/) => {
    await pane.getByLabel('Type', { exact: true }).fill(type);
    await pane.getByLabel('Data').fill(data);
    await pane.getByRole('button', { name: to }).click();
    await pane.getByRole('button', { name: 'Send' }).click();
  };
  await say(a, 'chat', '{ "text": "Can you hear me?" }');
  await say(b, 'chat', '{ "text": "Loud and clear." }');
  await say(a, 'offer', '{ "sdp": "v=0", "video": true }');
  await say(b, 'answer', '{ "sdp": "v=0", "accepted": true }');
  await say(b, 'demo.sum', '{ "numbers": [1, 2, 3.5] }', 'Server');
  await b.getByText('Answered by').waitFor();
  await say(a, 'chat', '{ "text": "Anyone?" }', 'Everyone');
  await a.getByText('Answered by').waitFor();
  await a.getByLabel('Template').selectOption({ label: 'Error: nobody there' });
  await a.getByRole('button', { name: 'Send' }).click();
  await a.locator('.verdict').filter({ hasText: 'receiver_not_found' }).waitFor();
  // The chart is worth a look once it has a line.
  await page.waitForFunction(
    () => document.querySelector('.latency .line').getAttribute('points').split(' ').length > 12,
    undefined,
    {
      timeout: 60_000,
    },
  );
}

async function picture(page, name, viewport, colorScheme) {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
  await page.locator(`:root[data-theme="${colorScheme}"]`).waitFor();
  await page.screenshot({ path: join(folder, name), fullPage: viewport === PHONE });
}
