import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { connect, type Client } from './client.js';
import { FaultProxy } from './fault-proxy.js';
import { Program } from './program.js';
import { startServer } from './server.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/reconnecting.md', import.meta.url));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const DOCUMENTED_URL = 'ws://127.0.0.1:3000/wss';
const ROUNDS = 8;
const LINES = 5;

/** Longer than the waits of a program between its attempts to reconnect, in milliseconds. */
export const TIMEOUT_MS = 60_000;

/** Messages that a program of the document and a peer in the same room received while the connection of the program was cut. */
interface GardenReport {
  /** The lines that each side should have received. */
  readonly sent: readonly string[];
  readonly byPeer: readonly unknown[];
  readonly byProgram: readonly unknown[];
  /** Types of notices that the peer received about the program before it ended. */
  readonly notices: readonly string[];
  /** How often the server answered a join of the program. */
  readonly joins: number;
  readonly departureCode: unknown;
  readonly endedWell: boolean;
}

/** Returns the program of a section of docs/reconnecting.md, with its file and its command. */
export async function gardenProgram(language: string): Promise<{ file: string; source: string; command: string }> {
  const [, section = ''] = (await readFile(DOCUMENT, 'utf8')).split(`\n### ${language}\n`);
  const [, file, source, command] =
    /Save as `([^`]+)`.*?^```\w+\n(.*?)^```$.*?^```sh\n(.*?)\n```$/ms.exec(section) ?? [];
  if (file === undefined || source === undefined || command === undefined) throw new Error(`no program in ${language}`);
  return { file, source, command };
}

/** Runs a program behind a proxy, when the program and a peer have joined the room. */
async function runGarden<Report>(
  language: string,
  variables: Record<string, string>,
  visit: (program: Program, proxy: FaultProxy, peer: Client) => Promise<Report>,
): Promise<Report> {
  const { file, source, command } = await gardenProgram(language);
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-garden-'));
  const server = await startServer(variables);
  const proxy = await FaultProxy.start(server.port);
  await writeFile(join(folder, file), source);
  await symlink(MODULES, join(folder, 'node_modules'));
  const peer = await connect(server.url);
  peer.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
  await peer.answer('join');
  const program = new Program(command.replace(DOCUMENTED_URL, proxy.url), folder);
  try {
    await program.printed('sys.members');
    return await visit(program, proxy, peer);
  } finally {
    program.kill();
    await proxy.stop();
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

/** Fails where a program loses or doubles a line while its connection is cut, or where others notice a cut. */
export async function expectNoLoss(language: string): Promise<void> {
  const { sent, ...report } = await runGarden(language, {}, converse);
  expect(report).toEqual({
    byPeer: sent,
    byProgram: sent,
    notices: ['sys.arrived', 'sys.joined'],
    joins: 1,
    departureCode: 1000,
    endedWell: true,
  });
}

/** Fails where a program loses or doubles a line that is typed while the program is away, and its session has ended. */
export async function expectUnsentLine(language: string, windowMs: number): Promise<void> {
  const variables = { RESUME_WINDOW_MS: String(windowMs) };
  const received = await runGarden(language, variables, async (program, proxy, peer) => {
    program.type('before');
    const before = await peer.next('chat');
    proxy.disable();
    await peer.next('sys.departed');
    const attempted = async (): Promise<void> => {
      const { refused } = proxy;
      await expect.poll(() => proxy.refused, { timeout: TIMEOUT_MS }).toBeGreaterThan(refused);
    };
    await attempted();
    program.type('while away');
    await attempted(); // the program has read the line
    proxy.enable();
    const lines = [before, await peer.next('chat')];
    program.type('after');
    lines.push(await peer.next('chat'));
    return lines.map(({ data }) => data as unknown);
  });
  expect(received).toEqual(['before', 'while away', 'after']);
}

/** Cuts the connection of a program in each round, before and after messages of both sides. */
async function converse(program: Program, proxy: FaultProxy, peer: Client): Promise<GardenReport> {
  const sent: string[] = [];
  const byPeer: unknown[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 2 === 0) proxy.cut();
    for (let line = 0; line < LINES; line++) {
      const text = `${round} ${line}`;
      sent.push(text);
      program.type(text);
      peer.send({ type: 'chat', receiver: '#garden', data: text });
    }
    if (round % 2 === 1) proxy.cut();
    for (let line = 0; line < LINES; line++) byPeer.push((await peer.next('chat')).data);
    await program.printedWhere(({ type, data }) => type === 'chat' && data === sent.at(-1));
  }
  await peer.settled();
  const id = peer.inbox.find(({ type }) => type === 'sys.joined')?.sender;
  const notices = peer.inbox.filter(({ sender }) => sender === id).map(({ type }) => type);
  program.end();
  const departure = await peer.next('sys.departed');
  const endedWell = await program.ended;
  const frames = program.frames;
  return {
    sent,
    byPeer: [...byPeer, ...peer.inbox.filter(({ type }) => type === 'chat').map(({ data }) => data as unknown)],
    byProgram: frames.filter(({ type }) => type === 'chat').map(({ data }) => data as unknown),
    notices,
    joins: frames.filter(({ type }) => type === 'sys.members').length,
    departureCode: departure.sender === id ? departure.data.code : 'of another session',
    endedWell,
  };
}
