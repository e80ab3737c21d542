import type { Locator, Page } from 'playwright-core';
import type { Browser } from './browser.js';

/** Drives the console in a tab and records its errors and its requests to other origins. */
export class ConsolePage {
  /** Errors in the browser's log, violations of the Content-Security-Policy included. */
  readonly errors: string[] = [];
  /** Requested URLs of other origins. */
  readonly otherOrigins: string[] = [];
  /** Paths of the opened WebSockets. */
  readonly sockets: string[] = [];

  private constructor(readonly page: Page) {}

  static async open(browser: Browser, origin: string, base = ''): Promise<ConsolePage> {
    const { page } = await browser.open();
    const opened = new ConsolePage(page);
    page.on('console', (message) => message.type() === 'error' && opened.errors.push(message.text()));
    page.on('pageerror', (error) => opened.errors.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) opened.otherOrigins.push(request.url());
    });
    page.on('websocket', (socket) => {
      opened.sockets.push(new URL(socket.url()).pathname);
      if (new URL(socket.url()).host !== new URL(origin).host) opened.otherOrigins.push(socket.url());
    });
    await page.goto(`${origin}${base}`);
    await page.locator('.pane').first().waitFor({ state: 'attached' });
    return opened;
  }

  /** Closes the tab. Throws if the page had an error or loaded from another origin. */
  async close(): Promise<void> {
    await this.page.close();
    const [first] = [...this.errors, ...this.otherOrigins];
    if (first !== undefined) throw new Error(`error or foreign request in the console: ${first}`);
  }

  pane(name: 'A' | 'B'): Pane {
    return new Pane(this.page.locator(`.pane[aria-label="Session ${name}"]`));
  }

  /** Resolves to both panes once their sessions are connected. */
  async connected(): Promise<[Pane, Pane]> {
    const panes: [Pane, Pane] = [this.pane('A'), this.pane('B')];
    for (const pane of panes)
      await pane.element('copyId').and(this.page.locator(':enabled')).waitFor({ state: 'attached' });
    return panes;
  }
}

/** Drives one session of the console. */
export class Pane {
  constructor(readonly root: Locator) {}

  element(name: string): Locator {
    return this.root.locator(`[data-element="${name}"]`);
  }

  async id(): Promise<string> {
    return this.element('sessionId').innerText();
  }

  /** Rows of the frame log that contain a text. */
  row(text: string): Locator {
    return this.root.locator('.row').filter({ hasText: text });
  }

  async write(type: string, receiver: string, data: string): Promise<void> {
    await this.element('type').fill(type);
    await this.element('receiver').fill(receiver);
    await this.element('data').fill(data);
  }

  async send(): Promise<void> {
    await this.element('send').click();
  }
}
