import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';

describe('the client in Chromium, through nginx', () => {
  let port: number;
  let server: ServerProcess;
  let nginx: Nginx;
  let browser: Browser;
  let page: string;
  beforeAll(async () => {
    [port] = await freePorts();
    server = await ServerProcess.start({ PORT: String(port) });
    nginx = await startNginx({ appPort: port });
    browser = await Browser.start(nginx.caFile);
    page = `https://localhost:${nginx.httpsPort}/health/live`;
  });
  afterAll(async () => {
    await browser?.stop();
    await nginx?.stop();
    await server?.kill();
  });

  it('reconnects after the server was killed, and sends queued messages', async () => {
    const { page: tab, close } = await opened();
    const before = await tab.evaluate('ann.ready()');
    const waiting = tab.evaluate<{ code: number }>('becomes("waiting")');
    await server.kill();
    expect((await waiting).code).toBe(1006);
    await tab.evaluate('void (globalThis.sent = ann.send("*", "from.before", 1, { timeoutMs: 60000 }))');
    server = await ServerProcess.start({ PORT: String(port) });
    expect(await tab.evaluate('sent')).toEqual({ status: 'accepted' });
    expect(await tab.evaluate('ann.id')).not.toBe(before);
    await close();
  });

  it('runs in a worker', async () => {
    const { page: tab, close } = await opened();
    const code = `
      import { connect } from '${new URL('/client.js', page).href}';
      const bob = connect('${nginx.url}');
      postMessage(await bob.ready());
      bob.on('note', ({ data }) => bob.send('*', 'echo', data));`;
    await tab.evaluate(`new Promise((resolve) => {
      globalThis.worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' })), { type: 'module' });
      worker.onmessage = ({ data }) => { globalThis.bob = data; resolve(); };
    })`);
    const echo = tab.evaluate('new Promise((resolve) => ann.on("echo", ({ data }) => resolve(data)))');
    await tab.evaluate('ann.send(bob, "note", "from the page")');
    expect(await echo).toBe('from the page');
    await close();
  });

  /** Opens a tab with a connected client `ann`, imported from the server. */
  async function opened() {
    const tab = await browser.open(page);
    await tab.page.evaluate(`import('/client.js').then(async ({ connect }) => {
      globalThis.ann = connect(${JSON.stringify(nginx.url)}, { minDelayMs: 50, maxDelayMs: 500 });
      globalThis.becomes = (phase) => new Promise((resolve) => {
        ann.onState((change) => change.phase === phase && resolve(change));
      });
      await ann.ready();
    })`);
    return { page: tab.page, close: () => tab.close() };
  }
});
