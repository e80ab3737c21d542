import { setImmediate as turn } from 'node:timers/promises';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame } from './client-frames.js';
import type { Addresses } from './envelopes.js';
import { RawClient } from './raw-client.js';
import { startServer, type TestServer } from './server.js';

/** What one client writes, in pieces; `pause` waits a turn behind a piece. */
export interface Script {
  readonly chunks: readonly { readonly bytes: Buffer; readonly pause: boolean }[];
  /** Whether it ends the connection by itself; otherwise it is asked to answer, and then closed or cut. */
  readonly fatal: boolean;
  readonly cut: boolean;
}

/** What came of a script, ids replaced by names: to the client that wrote it and to two that listen. */
interface Transcript {
  readonly writer: readonly string[];
  readonly first: readonly string[];
  readonly second: readonly string[];
}

const END = '{"type":"sys.ping","data":"the end of this script"}';

/** One server with a lane switched on or off, and two clients that listen all along. */
class Lane {
  private constructor(
    readonly server: TestServer,
    private readonly registry: SessionRegistry,
    private readonly first: RawClient,
    private readonly second: RawClient,
  ) {}

  static async open(fastLane: 'on' | 'off'): Promise<Lane> {
    const server = await startServer({ FAST_LANE: fastLane, HEARTBEAT_MS: '600000' });
    const first = await RawClient.open(server.port);
    const second = await RawClient.open(server.port);
    return new Lane(server, server.app.get(SessionRegistry), first, second);
  }

  close(): Promise<void> {
    return this.server.stop();
  }

  /**
   * Plays a script over a connection of its own.
   *
   * @param write makes the script for these ids: the same one for any ids
   * @param way `tcp` writes to the client's socket; `chunks` hands the server's socket exactly these chunks
   */
  async play(write: (to: Addresses) => Script, way: 'tcp' | 'chunks'): Promise<Transcript> {
    const writer = await RawClient.open(this.server.port);
    const { chunks, fatal, cut } = write({ receivers: this.#receivers(writer) });
    const heard = [this.first, this.second].map((client) =>
      client.until((line) => line.includes('"sys.departed"') && line.includes(writer.id)),
    );
    const answered = writer.until((line) => line.startsWith('close ') || line.includes('the end of this script'));
    const { sink } = this.registry.find(writer.id)!.connection as GatewaySocket;
    for (const { bytes, pause } of chunks) {
      if (way === 'tcp') writer.socket.write(bytes);
      else sink.emit('data', Buffer.from(bytes));
      if (pause) await turn();
    }
    if (!fatal) writer.socket.write(clientFrame(END));
    // A cut at once leaves open how much of its answers the writer still reads, so that they are not compared.
    const cutAtOnce = fatal && cut && way === 'chunks';
    if (!cutAtOnce) await answered;
    if (cut) writer.socket.destroy();
    else writer.socket.end();
    await Promise.all(heard);
    const transcript = {
      writer: cutAtOnce ? [] : this.#told(writer, writer),
      first: this.#told(this.first, writer),
      second: this.#told(this.second, writer),
    };
    for (const client of [this.first, this.second]) client.lines = [];
    return transcript;
  }

  #receivers(writer: RawClient): string[] {
    const stranger = `${writer.id.slice(0, -2)}??`;
    return [this.first.id, this.second.id, this.first.id, this.second.id, '*', writer.id, stranger, 'x'];
  }

  #told(client: RawClient, writer: RawClient): string[] {
    const names = new Map([
      [this.first.id, '<first>'],
      [this.second.id, '<second>'],
      [writer.id, '<writer>'],
    ]);
    const id = new RegExp(`${writer.id.slice(0, 9)}[\\w-]{16}`, 'g');
    return client.lines.map((line) => sorted(line.replace(id, (text) => names.get(text) ?? text)));
  }
}

/** Both lanes, of which nobody may be able to tell which one they are on. */
export class BothLanes {
  private constructor(
    private readonly fast: Lane,
    private readonly exact: Lane,
  ) {}

  static async open(): Promise<BothLanes> {
    return new BothLanes(await Lane.open('on'), await Lane.open('off'));
  }

  async close(): Promise<void> {
    await this.fast.close();
    await this.exact.close();
  }

  /**
   * Plays one script on both lanes, as {@link Lane.play} does.
   *
   * @param name says how to make the script again where the lanes differ
   * @returns how many lines were told
   * @throws Error what differs, and the script in hexadecimal
   */
  async compare(write: (to: Addresses) => Script, way: 'tcp' | 'chunks', name: string): Promise<number> {
    const [one, other] = [await this.fast.play(write, way), await this.exact.play(write, way)];
    const difference = differenceOf(one, other);
    if (difference === undefined) return one.writer.length + one.first.length + one.second.length;
    const { chunks } = write({ receivers: Array.from({ length: 8 }, (_, index) => String(index).repeat(25)) });
    const input = chunks.map(({ bytes, pause }) => bytes.toString('hex') + (pause ? ' | ' : ' '));
    throw new Error(`${name}, ${way}: ${difference}\n${input.join('').slice(-20_000)}`);
  }
}

/** A list of sessions comes in the order of their ids, which are not the same on two servers. */
function sorted(line: string): string {
  return line.replace(/(?<="sessions":\[)[^\]]*/, (list) => list.split(',').toSorted().join(','));
}

/** Says where two transcripts differ first, if they do. */
function differenceOf(one: Transcript, other: Transcript): string | undefined {
  for (const who of ['writer', 'first', 'second'] as const) {
    const length = Math.max(one[who].length, other[who].length);
    for (let index = 0; index < length; index++)
      if (one[who][index] !== other[who][index])
        return `${who}, line ${index}:\n  fast ${one[who][index]}\n  ws   ${other[who][index]}`;
  }
  return undefined;
}
