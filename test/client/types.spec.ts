import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from 'prettier';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DescribedModule } from '../support/described.gateway.js';
import { keepLogLines } from '../support/log-lines.js';
import { OrdersGateway } from '../support/orders.gateway.js';
import { RICH_DOCUMENT } from '../support/rich-document.js';
import { startServer, type TestServer } from '../support/server.js';
import { BIN, switchboardTypes, type Ended } from '../support/switchboard-types.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DESCRIBED = join(ROOT, 'test/support/described-messages.ts');
const PROGRAM = new URL('../support/typed-program.txt', import.meta.url);
const RICH = new URL('../support/rich-messages.txt', import.meta.url);

describe('switchboard-types', () => {
  keepLogLines();
  let folder: string;
  let server: TestServer;
  let address: string;
  let silence: Server;
  let unanswered: Promise<Ended>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-types-'));
    silence = await listen(() => undefined);
    unanswered = switchboardTypes(urlOf(silence)); // takes the whole time-out, so it runs beside the other tests
    server = await startServer({ HTTP_BASE: '/base' }, [{ module: DescribedModule, providers: [OrdersGateway] }]);
    address = `http://127.0.0.1:${server.port}/base`;
  });
  afterAll(async () => {
    await stop(silence);
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('writes the messages of a running server, in the format of the project', async () => {
    expect(await switchboardTypes(address, '--out', DESCRIBED, '--check')).toEqual({ exitCode: 0, out: '', error: '' });
  });

  it('writes types with which wrong data does not compile', async () => {
    await switchboardTypes(address, '--out', join(folder, 'messages.ts'));
    await copyFile(PROGRAM, join(folder, 'program.ts'));
    await copyFile(RICH, join(folder, 'rich.ts'));
    const written = ['program.ts', 'rich.ts'].map((name) => join(folder, name));
    expect(compileErrors([...written, BIN])).toEqual([]);
  }, 60_000);

  it('writes every form of a schema, in the default format of prettier', async () => {
    const { out, error } = await answering(JSON.stringify(RICH_DOCUMENT));
    expect(error).toBe('');
    expect(out).toBe(await readFile(RICH, 'utf8'));
    expect(await check(out, { parser: 'typescript' })).toBe(true);
    const { out: described } = await switchboardTypes(address);
    expect(await check(described, { parser: 'typescript' })).toBe(true);
  });

  it('knows the answers of the worked examples', async () => {
    const own = await startServer();
    const { out } = await switchboardTypes(`http://127.0.0.1:${own.port}`);
    await own.stop();
    expect(out).toContain('answer: SumAnswer;');
    expect(out).toContain('  sum: number;');
  });

  it('finds a file that differs, and changes nothing', async () => {
    const file = join(folder, 'compared.ts');
    expect(await switchboardTypes(`${address}/`, '--out', file, '--check')).toMatchObject({
      exitCode: 1,
      error: `switchboard-types: cannot read ${file} (ENOENT); write it without --check first\n`,
    });
    expect(await switchboardTypes(`${address}/asyncapi.json`, '--out', file)).toMatchObject({ exitCode: 0 });
    const written = await readFile(file, 'utf8');
    expect(written).toBe((await switchboardTypes(address)).out);
    await writeFile(file, written.replaceAll('\n', '\r\n'));
    expect(await switchboardTypes(address, '--out', file, '--check')).toMatchObject({ exitCode: 0 });
    await writeFile(file, written.replace('rolled', 'thrown'));
    expect(await switchboardTypes(address, '--out', file, '--check')).toMatchObject({
      exitCode: 1,
      error: `switchboard-types: ${file} differs from the server; write it again without --check\n`,
    });
    expect(await readFile(file, 'utf8')).toContain('thrown');
  });

  it.each([
    [[], 'got 0 URLs; give one'],
    [['http://a', 'http://b'], 'got 2 URLs; give one'],
    [['localhost'], '"localhost" is no URL; write one such as'],
    [['ws://127.0.0.1:3000/wss'], 'begins with ws:; the document is read over http: or https:'],
    [['http://user:secret@127.0.0.1'], "pass --header 'Authorization: Basic …' instead"],
    [['http://a', '--check'], '--check has no file to compare with; add --out FILE'],
    [['http://a', '--header', 'Secret'], "a --header is not of the form 'NAME: VALUE'"],
    [['http://a', '--header', 'A: b\r\nC: d'], "a --header is not of the form 'NAME: VALUE'"],
    [['http://a', '--output', 'b'], "Unknown option '--output'"],
  ])('exits with 64 for the arguments %j', async (args, text) => {
    const { exitCode, out, error } = await switchboardTypes(...args);
    expect([exitCode, out]).toEqual([64, '']);
    expect(error).toContain(text);
    expect(error).not.toContain('secret');
  });

  it('prints its arguments', async () => {
    const { exitCode, out } = await switchboardTypes('--help');
    expect(exitCode).toBe(0);
    for (const option of ['URL', '--out', '--check', '--header']) expect(out).toContain(option);
  });

  it('exits with 1 where it cannot write the file', async () => {
    const file = join(folder, 'none', 'messages.ts');
    const { exitCode, error } = await switchboardTypes(address, '--out', file);
    expect([exitCode, error]).toEqual([
      1,
      `switchboard-types: cannot write ${file} (ENOENT); name a file in a folder that you may write to\n`,
    ]);
  });

  it('exits with 1 where no server listens', async () => {
    const closed = await listen(() => undefined);
    const url = urlOf(closed);
    await stop(closed);
    const { exitCode, error } = await switchboardTypes(url);
    expect([exitCode, error]).toEqual([
      1,
      `switchboard-types: cannot read ${url}/asyncapi.json (ECONNREFUSED); start the server, or correct the URL\n`,
    ]);
  });

  it('exits with 1 where the server has no documentation at the URL', async () => {
    const { exitCode, error } = await switchboardTypes(`http://127.0.0.1:${server.port}`);
    expect(exitCode).toBe(1);
    expect(error).toContain('answered 404; the server needs DOCS=on, and the URL needs its HTTP_BASE');
    const silent = await startServer({ DOCS: 'off' });
    expect((await switchboardTypes(`http://127.0.0.1:${silent.port}`)).error).toContain('needs DOCS=on');
    await silent.stop();
  });

  it.each([
    ['no JSON', '<html>', 'is not the AsyncAPI 3 document of a Switchboard server; correct the URL'],
    ['null', 'null', 'is not the AsyncAPI 3 document'],
    ['another document', '{"asyncapi":"3.0.0","info":{"title":"Other"}}', 'is not the AsyncAPI 3 document'],
    [
      'a document of an unknown form',
      '{"asyncapi":"3.1.0","info":{"title":"Switchboard"},"operations":{"a":{"action":"send","messages":1}}}',
      'has a form that this version cannot read (TypeError',
    ],
    ['more than 16 MiB', `"${'x'.repeat(16 * 1024 * 1024)}"`, 'has more than 16777216 bytes; correct the URL'],
  ])('exits with 1 for an answer of %s', async (_, body, text) => {
    const { exitCode, out, error } = await answering(body);
    expect([exitCode, out]).toEqual([1, '']);
    expect(error).toContain(text);
  });

  it('follows no redirect, and names its target', async () => {
    const { exitCode, error } = await answering('', 301, { Location: 'https://example.org/' });
    expect(exitCode).toBe(1);
    expect(error).toContain('answered 301; use the URL "https://example.org/"');
  });

  it('sends headers to a proxy that asks for them', async () => {
    const guarded = await listen(({ headers }, response) => {
      response.statusCode = headers.authorization === 'Basic YTpi' ? 200 : 401;
      response.end(JSON.stringify(RICH_DOCUMENT));
    });
    const url = urlOf(guarded);
    const { exitCode, error } = await switchboardTypes(url);
    expect(exitCode).toBe(1);
    expect(error).toContain("answered 401; pass --header 'Authorization: …'");
    expect(await switchboardTypes(url, '--header', 'Authorization: Basic YTpi')).toMatchObject({ exitCode: 0 });
    await stop(guarded);
  });

  it('exits with 1 where the server does not answer in time', async () => {
    const { exitCode, error } = await unanswered;
    expect([exitCode, error]).toEqual([
      1,
      `switchboard-types: ${urlOf(silence)}/asyncapi.json did not answer within 10 s; check that the server runs there\n`,
    ]);
  });
});

/** Compiles modules with strict options and with the types of the client; JavaScript by its JSDoc (`@ts-check`). */
function compileErrors(files: readonly string[]): string[] {
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    allowJs: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    paths: { 'switchboard-client': [join(ROOT, 'packages/client/src/connect.ts')] },
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

/** Runs the program on a server that answers every request in the same way. */
async function answering(body: string, status = 200, headers: Record<string, string> = {}): Promise<Ended> {
  const answerer = await listen((_, response) => response.writeHead(status, headers).end(body));
  const ended = await switchboardTypes(urlOf(answerer));
  await stop(answerer);
  return ended;
}

function listen(listener: RequestListener): Promise<Server> {
  return new Promise((resolve) => {
    const listening = createServer(listener).listen(0, '127.0.0.1', () => resolve(listening));
  });
}

function urlOf(listening: Server): string {
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

function stop(listening: Server): Promise<void> {
  listening.closeAllConnections();
  return new Promise((resolve) => listening.close(() => resolve()));
}
