import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.js';
import { makeCertificates } from '../support/certificates.js';
import { installedVersions, isVersion } from '../support/client-versions.js';
import { CLIENT_ROWS, CLIENT_SECTIONS, clientRow, clientSection } from '../support/clients-document.js';
import { converse } from '../support/conversation.js';
import { needs } from '../support/needs.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { ConsoleScript } from '../support/console-script.js';
import { Program } from '../support/program.js';
import { startServer, type TestServer } from '../support/server.js';
import { playTerminal } from '../support/terminal-script.js';

needs('curl', 'javac', 'php', 'Mojolicious', 'IO::Socket::SSL', 'Python websockets');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENTED_URL = 'wss://localhost/wss';
/** Longer than two steps, so that the report names the step that failed. */
const TIMEOUT_MS = 180_000;

describe('docs/clients.md', { timeout: TIMEOUT_MS }, () => {
  let server: TestServer;
  let nginx: Nginx;
  let ca: string;
  let folder: string;
  const running: Program[] = [];

  beforeAll(async () => {
    server = await startServer();
    nginx = await startNginx({ appPort: server.port });
    ca = await readFile(nginx.caFile, 'utf8');
    folder = await mkdtemp(join(tmpdir(), 'switchboard-clients-'));
    await prepare(folder);
    await cp(nginx.caFile, join(folder, 'ca.crt'));
    await mkdir(join(folder, 'other'));
    await makeCertificates(join(folder, 'other'));
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.error(running.map(({ log }) => log).join('\n'));
    for (const program of running.splice(0)) program.kill();
  });
  afterAll(async () => {
    await nginx?.stop();
    await server?.stop();
    await rm(folder, { recursive: true });
  });

  /** Replaces the address (and the authority) in a command of the document. */
  const placed = (command: string, caFile = 'ca.crt'): string =>
    command.replace(DOCUMENTED_URL, nginx.url).replace('ca.crt', caFile);

  function run(name: string, caFile?: string): Program {
    const { command, source } = clientSection(name);
    const program =
      command === undefined
        ? playTerminal(source!, (text) => placed(text, caFile), folder)
        : new Program(placed(command, caFile), folder);
    running.push(program);
    return program;
  }

  const versions = installedVersions();
  const inBrowser = CLIENT_SECTIONS.filter(({ name }) => name === 'Chromium');
  /** The table describes the curl of Debian 12; later builds support WebSocket. */
  const skipped = CLIENT_SECTIONS.filter(({ name }) => name === 'curl' && !versions.has(name));
  const programs = CLIENT_SECTIONS.filter((section) => ![...inBrowser, ...skipped].includes(section));

  it('has a section for each row of the table, and a row for each section', () => {
    expect(CLIENT_ROWS.length).toBeGreaterThanOrEqual(10);
    expect(CLIENT_SECTIONS.map(({ name }) => name)).toEqual(CLIENT_ROWS.map(({ name }) => name));
  });

  it('names the versions that run', () => {
    expect(versions.size).toBeGreaterThanOrEqual(4);
    const wrong = [...versions].filter(([name, version]) => !isVersion(version, clientRow(name).version));
    expect(wrong).toEqual([]);
  });

  it.each(programs)('is right about $name', async ({ name }) => {
    const steps = await converse(nginx.url, ca, async () => run(name));
    const refuses = !(await run(name, 'other/ca.crt').ended);
    expect([...steps.values(), steps.get('connects') && refuses].map(cell)).toEqual(clientRow(name).cells);
  });

  it.each(inBrowser)('is right about $name', async ({ name, source }) => {
    const code = placed(source!);
    const browser = await Browser.start(nginx.caFile);
    const page = nginx.url.replace(/^wss(.*)\/wss$/, 'https$1/health/live');
    const steps = await converse(nginx.url, ca, async () => ConsoleScript.into(await browser.open(page), code));
    await browser.stop();
    const strict = await Browser.start();
    const pasted = await ConsoleScript.into(await strict.open(), code);
    const refuses = !(await pasted.ended) && pasted.log.includes('net::ERR_CERT_AUTHORITY_INVALID');
    await strict.stop();
    expect([...steps.values(), refuses].map(cell)).toEqual(clientRow(name).cells);
  });

  it('has programs that greet each other in any two languages, and end when one of them ends', async () => {
    const chatting = programs.filter(({ file }) => file !== undefined);
    expect(chatting.length).toBeGreaterThanOrEqual(7);
    const ids: string[] = [];
    for (const { name } of chatting) {
      const program = run(name);
      const welcome = await program.printed('sys.welcome');
      await Promise.all(ids.map((id) => program.printed('chat', id)));
      ids.push(welcome.receiver);
    }
    const [first, ...others] = running;
    first!.kill();
    await Promise.all(others.map((program) => program.printed('sys.departed')));
    expect(await Promise.all(others.map(({ ended }) => ended))).toEqual(others.map(() => true));
  });
});

/** Saves the programs as the document says, with links to the packages that they need. */
async function prepare(folder: string): Promise<void> {
  for (const { file, source } of CLIENT_SECTIONS)
    if (file !== undefined && source !== undefined) await writeFile(join(folder, file), source);
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  for (const name of ['.bin', 'undici', 'ws']) await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  await symlink(join(ROOT, 'packages/client'), join(modules, 'switchboard-client'));
}

function cell(passed: boolean | undefined): string {
  return passed === true ? 'yes' : 'no';
}
