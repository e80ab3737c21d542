import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type BrowserContext } from 'playwright-core';

const run = promisify(execFile);
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

export interface Browser {
  readonly context: BrowserContext;
  stop(): Promise<void>;
}

/**
 * Starts Debian's Chromium with a profile and a home of its own.
 *
 * @param caFile a certificate authority that it trusts, as a person would add it to the system's NSS store
 */
export async function startBrowser(caFile?: string): Promise<Browser> {
  const home = await mkdtemp(join(tmpdir(), 'switchboard-browser-'));
  const store = `sql:${join(home, '.pki/nssdb')}`;
  await mkdir(join(home, '.pki/nssdb'), { recursive: true });
  await run('certutil', ['-d', store, '-N', '--empty-password']);
  if (caFile !== undefined) await run('certutil', ['-d', store, '-A', '-t', 'C,,', '-n', 'switchboard', '-i', caFile]);
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: '/usr/bin/chromium',
    args: FLAGS,
    env: { ...process.env, HOME: home } as Record<string, string>,
  });
  return {
    context,
    stop: async () => {
      await context.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
