import type { Msg } from '@nats-io/transport-node';
import type { NatsLink } from '../../src/cluster/nats/nats-access.js';
import type { Random } from '../support/random.js';
import { Direction, SimulatedServer, type Message, type Path } from './path.js';
import type { VirtualProcess, VirtualTime } from './virtual-time.js';

const MAX_PAYLOAD = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 300;
const SERVERS = 2;
/** Messages of a node that may arrive again at its next connection. */
const MAX_RECENT = 16;
/** One message or new subscription in so many is repeated. */
const REPEATS_ONE_IN = 4;
const MAX_REPEAT_MS = 30;

type Callback = (error: Error | null, message: Msg) => void;

/**
 * A cluster of NATS servers in virtual time: what `NatsConnector` uses of one, and what a network does to it. Bytes of a
 * connection that a node has given up may arrive at any time later, also at that node.
 */
export class SimulatedNats {
  readonly links = new Set<SimulatedLink>();
  readonly #servers = Array.from({ length: SERVERS }, () => new SimulatedServer());

  constructor(
    readonly time: VirtualTime,
    readonly random: Random,
  ) {}

  connect(process: VirtualProcess, path: Path): Promise<NatsLink> {
    return new Promise((resolve, reject) => {
      const fail = (delayMs: number): void => process.receive(delayMs, () => reject(new Error('no connection')));
      const server = this.random.pick(this.#servers);
      if (!server.running) return fail(path.delay());
      if (server.paused || path.held) return fail(CONNECT_TIMEOUT_MS);
      const link = new SimulatedLink(this, server, process, path);
      process.receive(3 * path.delay(), () => {
        if (!server.running) return reject(new Error('connection reset'));
        this.links.add(link);
        path.onConnected?.(server);
        path.onConnected = undefined;
        resolve(link);
      });
    });
  }

  publish(from: SimulatedLink, subject: string, data: Uint8Array, reply: string): void {
    const message = { subject, wildcard: wildcardOf(subject), data, reply };
    let interested = false;
    for (const link of this.links)
      if (link.isInterested(message)) {
        interested = true;
        if (link.server === from.server) link.deliver(message);
        else link.server.arrive(() => link.deliver(message));
      }
    if (interested || reply === '') return;
    const answer = { subject: reply, wildcard: wildcardOf(reply), data: new Uint8Array(), reply: '' };
    from.deliver({ ...answer, headers: { code: 503 } });
  }

  /** Picks the servers of a fault: one, or all. */
  pick(): SimulatedServer[] {
    return this.random.once(2) ? [this.random.pick(this.#servers)] : this.#servers;
  }

  /** Ends servers, and all connections to them. */
  stop(servers: readonly SimulatedServer[]): void {
    for (const server of servers) {
      server.running = false;
      for (const link of this.links) if (link.server === server) link.reset();
    }
  }
}

/** One connection of a node. */
export class SimulatedLink implements Pick<NatsLink, 'publish' | 'flush' | 'close'> {
  readonly info = { max_payload: MAX_PAYLOAD } as NonNullable<NatsLink['info']>;
  closedByServer = false;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #subscriptions = new Map<string, Callback>();
  /** Subjects that the server knows. */
  readonly #interest = new Set<string>();
  readonly #closed: Promise<void | Error>;
  #resolveClosed: (reason?: Error) => void = () => undefined;
  #isClosed = false;

  constructor(
    private readonly nats: SimulatedNats,
    readonly server: SimulatedServer,
    private readonly process: VirtualProcess,
    private readonly path: Path,
  ) {
    this.#up = new Direction(nats.time, path);
    this.#down = new Direction(nats.time, path);
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  getServer(): string {
    return 'simulated';
  }

  publish(subject: string, data: Uint8Array = new Uint8Array(), { reply = '' }: { reply?: string } = {}): void {
    if (this.#isClosed) throw new Error('the connection is closed');
    if (subject === '') throw new Error('the subject is empty');
    const copy = Uint8Array.from(data);
    this.#send(() => this.nats.publish(this, subject, copy, reply));
  }

  subscribe(subject: string, { callback }: { callback?: Callback } = {}): never {
    this.#subscriptions.set(subject, callback!);
    this.#send(() => {
      this.#interest.add(subject);
      this.#repeat(subject);
    });
    return undefined as never;
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#send(() => this.#toNode(resolve)));
  }

  /** Bytes that the client has written may arrive after this moment: all of them, or none. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.closedByServer ||= this.nats.random.once(3);
    this.#up.send(() => this.server.arrive(() => this.nats.links.delete(this)));
    this.#resolveClosed();
  }

  async *status(): AsyncGenerator<never> {}

  closed(): Promise<void | Error> {
    return this.#closed;
  }

  isInterested({ subject, wildcard }: Message): boolean {
    return this.#interest.has(subject) || this.#interest.has(wildcard);
  }

  deliver(message: Message): void {
    this.#toNode(() => this.#receive(message));
    if (!this.path.repeats || !this.nats.random.once(REPEATS_ONE_IN)) return;
    this.process.receive(this.nats.random.between(1, MAX_REPEAT_MS), () => {
      if (this.path.recent.includes(message)) this.#receive(message);
    });
  }

  /** Loses a subject of this node alone. Without that of all nodes, arrivals may come after messages for a moment. */
  loseSubscription(): void {
    const own = [...this.#interest].filter((subject) => !subject.endsWith('.all'));
    if (own.length > 0) this.#interest.delete(this.nats.random.pick(own));
  }

  /** Ends the connection from outside. The node notices it after what the server has sent before. */
  reset(): void {
    this.closedByServer = true;
    this.nats.links.delete(this);
    this.#toNode(() => {
      this.#isClosed = true;
      this.#resolveClosed(new Error('reset'));
    });
  }

  #receive(message: Message): void {
    const { recent } = this.path;
    recent.push(message);
    if (recent.length > MAX_RECENT) recent.shift();
    const callback = this.#subscriptions.get(message.subject) ?? this.#subscriptions.get(message.wildcard);
    callback?.(null, message as unknown as Msg);
  }

  /** Delivers messages that this node has received before again to a new subscription. A node must survive that. */
  #repeat(subject: string): void {
    const recent = this.path.recent.filter((message) => message.subject === subject);
    if (recent.length === 0 || !this.nats.random.once(REPEATS_ONE_IN)) return;
    for (const message of recent.slice(this.nats.random.below(recent.length))) this.deliver(message);
  }

  #send(run: () => void): void {
    this.#up.send(() =>
      this.server.arrive(() => {
        if (!this.closedByServer) run();
      }),
    );
  }

  #toNode(run: () => void): void {
    this.#down.send(() => this.process.receive(0, run));
  }
}

function wildcardOf(subject: string): string {
  return `${subject.slice(0, subject.lastIndexOf('.'))}.*`;
}
