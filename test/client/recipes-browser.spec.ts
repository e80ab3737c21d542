import { afterAll, beforeAll, describe, it } from 'vitest';
import { Browser } from '../support/browser.js';
import { FRAMEWORKS, RecipePage } from '../support/recipe-page.js';
import { startServer, type TestServer } from '../support/server.js';

describe('a recipe in Chromium', () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await startServer();
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser?.stop();
    await server.stop();
  });

  it.each(FRAMEWORKS)('shows the phase and the messages: %s', async (framework) => {
    const recipe = await RecipePage.create(framework, server.url);
    const tab = await browser.open(`http://127.0.0.1:${server.port}/health/live`);
    await tab.page.evaluate(await recipe.build());
    await tab.page.getByText('open:').waitFor();
    const ann = await server.connect();
    ann.send({ type: 'chat', receiver: '*', data: { text: 'hello' } });
    await tab.page.getByText('open: hello').waitFor();
    ann.send({ type: 'chat', receiver: '*', data: { text: 'again' } });
    await tab.page.getByText('open: hello,again').waitFor();
    await tab.close();
    await recipe.remove();
  });
});
