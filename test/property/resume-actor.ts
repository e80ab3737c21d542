import { setImmediate as turn } from 'node:timers/promises';
import { HandshakeError } from '../../src/testing/start.js';
import type { Received } from '../support/client.js';
import type { Random } from '../support/random.js';
import { ResumableLine } from '../support/resumable-line.js';
import { CUTS, type WireConnection } from '../support/wire-connection.js';
import type { ResumeLedger } from './resume-ledger.js';
import { anyTraffic, KINDS, type Participant } from './resume-traffic.js';

const BURSTS = 8;
const MESSAGES_IN_A_BURST = 5;
/** Enough messages that both sides report what they have received. */
const MESSAGES_IN_A_FLOOD = 80;
/** Returns that one client attempts one after the other. */
const MAX_RETURNS = 50;
/** The bytes of a response and a welcome; a connection that is cut within them loses the welcome. */
const WELCOME_BYTES = 500;
const LOSSES = [...CUTS, ...CUTS, 'half a frame', 'half a frame', 'a close frame', 'nothing'] as const;

/** A resumable client that sends at random, loses its connection at random, and returns. */
export class ResumeActor implements Participant {
  readonly id: string;
  readonly #connections = new Set<WireConnection>();
  #number = 0;

  constructor(
    readonly index: number,
    readonly user: string,
    readonly rooms: readonly string[],
    private readonly line: ResumableLine,
    private readonly random: Random,
    private readonly log: (text: string) => void,
  ) {
    this.id = line.welcome.receiver;
    this.#connections.add(line.connection);
  }

  async join(): Promise<void> {
    for (const receiver of this.rooms) await this.#answer('sys.members', { type: 'sys.join', receiver });
  }

  /** Resolves when all that the server has sent before has arrived. */
  async settled(): Promise<void> {
    await this.#answer('sys.pong', { type: 'sys.ping' });
  }

  /** Records what the client receives from now on. */
  record(ledger: ResumeLedger): void {
    this.line.on('message', (text: string) => ledger.onReceived(this, text));
    this.line.on('fault', (error: Error) => ledger.violation(this, error.message));
  }

  /** Sends messages and loses the connection, several times. Is connected at the end. */
  async run(ledger: ResumeLedger, all: readonly Participant[]): Promise<void> {
    const { random } = this;
    for (let burst = 0; burst < BURSTS; burst++) {
      this.#send(ledger, all, random.below(MESSAGES_IN_A_BURST + 1));
      // At most 64 messages of a session wait for handlers, so that a flood has none for them.
      if (random.once(12)) this.#send(ledger, all, MESSAGES_IN_A_FLOOD, KINDS.routed);
      await this.#wait();
      if (this.line.connection.isOver || random.once(2)) {
        this.#lose(ledger, all);
        await this.#wait();
        this.#send(ledger, all, random.below(3));
        await this.#return();
      }
    }
    this.line.cut('reset');
    await this.line.return(); // the last connection is not cut any more
    this.#connections.add(this.line.connection);
  }

  /** Ends the session. */
  async end(): Promise<void> {
    await this.line.connection.close(1000);
    for (const connection of this.#connections) connection.destroy();
  }

  async #answer(type: string, envelope: object): Promise<void> {
    const { line } = this;
    const answered = new Promise<void>((resolve) => {
      const receive = (text: string): void => {
        if ((JSON.parse(text) as Received).type !== type) return;
        line.off('message', receive);
        resolve();
      };
      line.on('message', receive);
    });
    line.send(JSON.stringify(envelope));
    await answered;
  }

  #send(ledger: ResumeLedger, all: readonly Participant[], count: number, kinds?: number): void {
    for (let sent = 0; sent < count; sent++) this.line.send(this.#next(ledger, all, kinds));
  }

  #next(ledger: ResumeLedger, all: readonly Participant[], kinds?: number): string {
    const traffic = anyTraffic(this.random, this.#number++, this, all, kinds);
    ledger.onSent(this, traffic);
    this.log(`${this.index} sends ${traffic.text.slice(0, 100)}`);
    return traffic.text;
  }

  #lose(ledger: ResumeLedger, all: readonly Participant[]): void {
    const { line, random } = this;
    const loss = random.pick(LOSSES);
    this.log(`${this.index} loses its connection by ${loss}`);
    if (loss === 'nothing') return; // the connection is open when the client returns
    if (loss === 'a close frame') return void line.connection.close(random.pick([undefined, 3000, 4999]));
    if (loss !== 'half a frame') return line.cut(loss);
    const text = this.#next(ledger, all);
    line.sendPart(text, random.between(1, text.length));
    line.cut(random.pick(CUTS));
  }

  /** Returns until a connection is not cut at once. */
  async #return(): Promise<void> {
    const { line, random } = this;
    for (let attempt = 0; attempt < MAX_RETURNS; attempt++) {
      const bytes = random.between(1, random.pick([WELCOME_BYTES, 5000, 50_000]));
      const cutAfter = random.once(2) ? { bytes, cut: random.pick(CUTS) } : undefined;
      const by = random.pick(['header', 'subprotocol'] as const);
      this.log(`${this.index} returns with ${line.received} frames${cutAfter ? `, cut after ${bytes} bytes` : ''}`);
      const returned = line.return({ by, ...(cutAfter && { cutAfter }) });
      this.#connections.add(line.connection);
      const isWelcome = await returned.then(
        ({ data, receiver }) => {
          if (data.resumed !== true) throw new Error(`client ${this.index} is ${receiver} now: ${data.reason}`);
          return true;
        },
        (error: unknown) => {
          if (error instanceof HandshakeError || cutAfter === undefined) throw error;
          return false;
        },
      );
      if (!isWelcome || line.connection.isOver) continue;
      if (!random.once(5)) return;
      line.cut(random.pick(CUTS)); // twice in a millisecond
    }
  }

  async #wait(): Promise<void> {
    for (let turns = this.random.below(this.random.pick([1, 4, 30])); turns > 0; turns--) await turn();
  }
}
