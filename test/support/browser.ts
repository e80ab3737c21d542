import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import type { Closed, Received } from './client.js';
import { needs } from './needs.js';

needs('chromium', 'certutil');

const CHROMIUM = '/usr/bin/chromium';
const PAGE = fileURLToPath(new URL('page.js', import.meta.url));
/** None of these flags changes the verification of certificates. */
const FLAGS = [
  '--no-sandbox', // needed to run as root
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];
const run = promisify(execFile);

/** Debian's Chromium with a temporary home for its profile and its store of trusted authorities. */
export class Browser {
  private constructor(
    private readonly home: string,
    private readonly context: BrowserContext,
  ) {}

  /**
   * @param caFile an authority to trust; without it the store is empty
   * @param flags further command-line flags
   */
  static async start(caFile?: string, flags: readonly string[] = []): Promise<Browser> {
    const home = await mkdtemp(join(tmpdir(), 'switchboard-browser-'));
    const store = join(home, '.pki/nssdb');
    await mkdir(store, { recursive: true });
    await run('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
    if (caFile !== undefined)
      await run('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'switchboard', '-i', caFile]);
    const context = await chromium.launchPersistentContext(join(home, 'profile'), {
      executablePath: CHROMIUM,
      headless: true,
      ignoreDefaultArgs: ['--disable-back-forward-cache'], // pages meet this cache in the world
      args: [...FLAGS, ...flags],
      env: { HOME: home, PATH: process.env['PATH'] },
    });
    await context.addInitScript({ path: PAGE });
    return new Browser(home, context);
  }

  /** Opens a new tab, blank or on a page. */
  async open(url = 'about:blank'): Promise<Tab> {
    const tab = new Tab(await this.context.newPage());
    await tab.page.goto(url);
    return tab;
  }

  async stop(): Promise<void> {
    await this.context.close();
    await rm(this.home, { recursive: true, maxRetries: 5 }); // a process of Chromium may still be writing
  }
}

/** A tab whose page has one WebSocket. */
export class Tab {
  welcome!: Received;
  readonly #console: string[] = [];

  constructor(readonly page: Page) {
    page.on('console', (message) => this.#console.push(message.text()));
  }

  get id(): string {
    return this.welcome.receiver;
  }

  /** The console output of the page, reasons of failed connections included. */
  get console(): string {
    return this.#console.join('\n');
  }

  /** Opens the WebSocket and takes the welcome. Throws if the connection fails. */
  async join(url: string): Promise<this> {
    if (!(await this.connect(url))) throw new Error(`could not connect: ${this.console}`);
    this.welcome = await this.next('sys.welcome');
    return this;
  }

  /** Resolves to whether the connection opened. */
  async connect(url: string): Promise<boolean> {
    return this.#call('connect', url);
  }

  async send(envelope: object): Promise<void> {
    return this.#call('send', envelope);
  }

  /** Takes the next envelope of a type (and sender); other envelopes stay in the page. */
  async next(type: string, sender?: string): Promise<Received> {
    return this.#call('next', type, sender);
  }

  /** Resolves to the page's close event. */
  async closed(): Promise<Closed & { readonly wasClean: boolean }> {
    return this.#call('closed');
  }

  async close(): Promise<void> {
    return this.page.close();
  }

  async #call<Result>(name: string, ...args: unknown[]): Promise<Result> {
    return this.page.evaluate<Result>(`switchboard.${name}(${args.map((arg) => JSON.stringify(arg)).join(',')})`);
  }
}
