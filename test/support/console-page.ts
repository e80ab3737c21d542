import type { Locator, Page } from 'playwright-core';
import type { Browser } from './browser.js';

/** The console in a tab, with its errors and foreign requests. */
export class ConsolePage {
  /** Errors in the browser's console, violations of the security policy included. */
  readonly errors: string[] = [];
  /** URLs requested from other origins. */
  readonly foreign: string[] = [];

  private constructor(readonly page: Page) {}

  static async open(browser: Browser, origin: string): Promise<ConsolePage> {
    const { page } = await browser.open();
    const opened = new ConsolePage(page);
    page.on('console', (message) => message.type() === 'error' && opened.errors.push(message.text()));
    page.on('pageerror', (error) => opened.errors.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) opened.foreign.push(request.url());
    });
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).host !== new URL(origin).host) opened.foreign.push(socket.url());
    });
    await page.goto(origin);
    await page.locator('.pane').first().waitFor({ state: 'attached' });
    return opened;
  }

  /** @throws if the page had an error or a request to another origin */
  async close(): Promise<void> {
    await this.page.close();
    const [wrong] = [...this.errors, ...this.foreign];
    if (wrong !== undefined) throw new Error(`the console did not behave: ${wrong}`);
  }

  pane(name: 'A' | 'B'): Pane {
    return new Pane(this.page.locator(`.pane[aria-label="Session ${name}"]`));
  }

  async connected(): Promise<[Pane, Pane]> {
    const panes: [Pane, Pane] = [this.pane('A'), this.pane('B')];
    for (const pane of panes) await pane.part('copy').and(this.page.locator(':enabled')).waitFor({ state: 'attached' });
    return panes;
  }
}

/** One session of the page. */
export class Pane {
  constructor(readonly root: Locator) {}

  part(name: string): Locator {
    return this.root.locator(`[data-part="${name}"]`);
  }

  async id(): Promise<string> {
    return this.part('id').innerText();
  }

  /** Finds a row of the log with this text. */
  row(text: string): Locator {
    return this.root.locator('.row').filter({ hasText: text });
  }

  async write(type: string, receiver: string, data: string): Promise<void> {
    await this.part('type').fill(type);
    await this.part('receiver').fill(receiver);
    await this.part('data').fill(data);
  }

  async send(): Promise<void> {
    await this.part('send').click();
  }
}
