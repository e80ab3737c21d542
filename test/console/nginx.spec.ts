import { expect, it } from 'vitest';
import { Browser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startNginx } from '../support/nginx.js';
import { startServer } from '../support/server.js';

it('the console works through nginx over TLS, with its Content-Security-Policy unchanged', async () => {
  const server = await startServer();
  const nginx = await startNginx({ appPort: server.port });
  const browser = await Browser.start(nginx.caFile);
  const origin = `https://localhost:${nginx.httpsPort}`;
  const opened = await ConsolePage.open(browser, origin);
  const [a, b] = await opened.connected();
  await a.write('chat', await b.id(), '"through the proxy"');
  await a.send();
  await b.row('through the proxy').waitFor();
  const answer = await opened.page.reload();
  const policies = (await answer!.headersArray()).filter(({ name }) => /^content-security-policy$/i.test(name));
  expect(policies).toHaveLength(1);
  expect(policies[0]!.value).toContain("script-src 'self'");
  expect(opened.errors).toEqual([]);
  expect(opened.otherOrigins).toEqual([]);
  await browser.stop();
  await nginx.stop();
  await server.stop();
});
