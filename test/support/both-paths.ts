import type { DynamicModule } from '@nestjs/common';
import { setImmediate as turn } from 'node:timers/promises';
import { HandlerTurns } from '../../src/gateway/dispatch/handler-turns.js';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame } from './client-frames.js';
import type { Addresses } from './envelopes.js';
import { RawClient } from './raw-client.js';
import { UPGRADE_HEADERS } from './raw-http.js';
import { startServer, type TestServer } from './server.js';
import { AUTH, token } from './tokens.js';

// Handlers never yield here: they yield by the time that they took, and the order of their replies would depend on it.
HandlerTurns.prototype.mustYield = () => false;

/** The bytes that one client writes, in chunks; `pause` waits a turn after a chunk. */
export interface Script {
  readonly chunks: readonly { readonly bytes: Buffer; readonly pause: boolean }[];
  /** True if the script ends the connection; else a final ping is answered before the close or cut. */
  readonly fatal: boolean;
  readonly cut: boolean;
}

/** The frames received by the writer and two observers, with ids replaced by names. */
interface Transcript {
  readonly writer: readonly string[];
  readonly first: readonly string[];
  readonly second: readonly string[];
}

const END = '{"type":"sys.ping","data":"the end of this script"}';
/** The user of both observers. */
const OBSERVER = 'zoë';
/** The room of both observers. */
const ROOM = '#garden';

/** One server with FAST_LANE on or off, and two observing clients. */
class ServerPath {
  private constructor(
    readonly server: TestServer,
    private readonly registry: SessionRegistry,
    private readonly first: RawClient,
    private readonly second: RawClient,
  ) {}

  static async open(variables: Record<string, string>, handlers: DynamicModule['imports']): Promise<ServerPath> {
    const settings = { ...AUTH, AUTH: 'optional', HEARTBEAT_MS: '600000', ...variables };
    const server = await startServer(settings, handlers);
    const headers = [...UPGRADE_HEADERS, `Authorization: Bearer ${await token({ sub: OBSERVER })}`];
    const first = await RawClient.open(server.port, { headers, endsItself: true });
    const second = await RawClient.open(server.port, { headers, endsItself: true });
    for (const observer of [first, second]) {
      observer.write(clientFrame(`{"type":"sys.join","receiver":"${ROOM}"}`));
      await observer.envelopeOf('sys.members');
    }
    await first.envelopeOf('sys.joined');
    return new ServerPath(server, server.app.get(SessionRegistry), first, second);
  }

  close(): Promise<void> {
    return this.server.stop();
  }

  /**
   * Plays a script on a new connection.
   *
   * @param write returns the script for these ids; it must be the same for any ids
   * @param input `tcp` writes to the client's socket; `chunks` hands the server's socket exactly these chunks
   */
  async play(write: (to: Addresses) => Script, input: 'tcp' | 'chunks'): Promise<Transcript> {
    const writer = await RawClient.open(this.server.port, { endsItself: true });
    const { chunks, fatal, cut } = write({ receivers: this.#receivers(writer) });
    const departed = [this.first, this.second].map((client) =>
      client.until((line) => line.includes('"sys.departed"') && line.includes(writer.id)),
    );
    const answered = writer.until((line) => line.startsWith('close ') || line.includes('the end of this script'));
    const { socket } = (this.registry.find(writer.id)!.connection as GatewaySocket).sink;
    for (const { bytes, pause } of chunks) {
      if (input === 'tcp') writer.socket.write(bytes);
      else {
        while (socket.isPaused()) await turn(); // a paused socket emits no data
        socket.emit('data', Buffer.from(bytes));
      }
      if (pause) await turn();
    }
    if (!fatal) writer.socket.write(clientFrame(END));
    // After an immediate cut the writer may read any part of its answers, so they are not compared.
    const cutAtOnce = fatal && cut && input === 'chunks';
    if (!cutAtOnce) await answered;
    if (cut) writer.socket.destroy();
    else writer.socket.end();
    await Promise.all(departed);
    await Promise.all([this.first, this.second].map(settled)); // a departure notice is not the last notice
    const transcript = {
      writer: cutAtOnce ? [] : this.#transcriptOf(writer, writer),
      first: this.#transcriptOf(this.first, writer),
      second: this.#transcriptOf(this.second, writer),
    };
    for (const client of [this.first, this.second]) client.frames.length = 0;
    return transcript;
  }

  #receivers(writer: RawClient): string[] {
    const unknown = `${writer.id.slice(0, -2)}??`;
    const groups = [ROOM, '#hall', `@${OBSERVER}`, '@nobody'];
    return [this.first.id, this.second.id, '*', writer.id, unknown, 'x', ...groups];
  }

  #transcriptOf(client: RawClient, writer: RawClient): string[] {
    const names = new Map([
      [this.first.id, '<first>'],
      [this.second.id, '<second>'],
      [writer.id, '<writer>'],
    ]);
    const id = new RegExp(`${writer.id.slice(0, 9)}[\\w-]{16}`, 'g');
    return client.lines.map((line) => sorted(line.replace(id, (text) => names.get(text) ?? text)));
  }
}

/** Resolves when a client has all that the server sent before. */
function settled(client: RawClient): Promise<void> {
  const answered = client.until((line) => line.includes('the end of this script'));
  client.socket.write(clientFrame(END));
  return answered;
}

/** A server on the fast path and one on the slow path; clients must see no difference. */
export class BothPaths {
  private constructor(
    private readonly fast: ServerPath,
    private readonly slow: ServerPath,
  ) {}

  /** @param variables @param handlers for both servers, as those of `startServer` */
  static async open(variables: Record<string, string> = {}, handlers?: DynamicModule['imports']): Promise<BothPaths> {
    const fast = await ServerPath.open({ ...variables, FAST_LANE: 'on' }, handlers);
    return new BothPaths(fast, await ServerPath.open({ ...variables, FAST_LANE: 'off' }, handlers));
  }

  async close(): Promise<void> {
    await this.fast.close();
    await this.slow.close();
  }

  /**
   * Plays one script on both paths, as {@link ServerPath.play} does.
   *
   * @param name identifies the script in the error
   * @returns the number of compared lines
   * @throws Error the first difference, and the script in hexadecimal
   */
  async compare(write: (to: Addresses) => Script, input: 'tcp' | 'chunks', name: string): Promise<number> {
    const [one, other] = [await this.fast.play(write, input), await this.slow.play(write, input)];
    const difference = differenceOf(one, other);
    if (difference === undefined) return one.writer.length + one.first.length + one.second.length;
    const { chunks } = write({ receivers: Array.from({ length: 10 }, (_, index) => String(index).repeat(25)) });
    const hex = chunks.map(({ bytes, pause }) => bytes.toString('hex') + (pause ? ' | ' : ' '));
    throw new Error(`${name}, ${input}: ${difference}\n${hex.join('').slice(-20_000)}`);
  }
}

/** Sorts a list of sessions, because ids and their order differ between two servers. */
function sorted(line: string): string {
  return line.replace(/(?<="sessions":\[)[^\]]*/, (list) => list.split(',').toSorted().join(','));
}

/** Returns the first difference of two transcripts. */
function differenceOf(one: Transcript, other: Transcript): string | undefined {
  for (const client of ['writer', 'first', 'second'] as const) {
    const length = Math.max(one[client].length, other[client].length);
    for (let index = 0; index < length; index++)
      if (one[client][index] !== other[client][index])
        return `${client}, line ${index}:\n  fast ${one[client][index]}\n  ws   ${other[client][index]}`;
  }
  return undefined;
}
