import type { Received } from './client.js';
import type { Running } from './conversation.js';
import type { Tab } from './browser.js';

/** Code pasted into the console of a tab; it logs each frame that it receives. */
export class ConsoleScript implements Running {
  readonly ended: Promise<boolean>;

  private constructor(
    private readonly tab: Tab,
    ended: Promise<boolean>,
  ) {
    this.ended = ended;
  }

  static async into(tab: Tab, code: string): Promise<ConsoleScript> {
    const closing = tab.page.waitForEvent('console', {
      predicate: (message) => message.text().startsWith('closed '),
      timeout: 0,
    });
    await tab.page.evaluate(`(() => {${code}})()`);
    return new ConsoleScript(
      tab,
      closing.then((message) => message.text() === 'closed 1000'),
    );
  }

  get log(): string {
    return this.tab.console;
  }

  async printed(type: string, sender: string): Promise<Received> {
    const find = (): Received | undefined =>
      this.tab.console
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Received)
        .find((frame) => frame.type === type && frame.sender === sender);
    const coming = this.tab.page.waitForEvent('console', { predicate: () => find() !== undefined, timeout: 0 });
    coming.catch(() => undefined); // the tab may close after the wait
    const frame = find();
    if (frame !== undefined) return frame;
    await coming;
    return find()!;
  }
}
