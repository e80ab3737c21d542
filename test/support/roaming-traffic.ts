import { RoamingLine, type Place } from './roaming-line.js';
import type { Received } from './client.js';
import type { Random } from './random.js';

/** Messages of one client that may wait for their answers. */
const WINDOW = 4;
/** One of so many received messages cuts the line of its receiver. */
const CUT_EVERY = 25;
/** Milliseconds until a client that was refused connects again. */
const RETRY_MS = 50;
const ROOM = '#roaming';

export interface TrafficOptions {
  readonly random: Random;
  /** The users of the clients, one client each; a user may have several. */
  readonly users: readonly string[];
  /** Where a client of a user connects to, anew for each connection. */
  readonly place: (user: string) => Place;
  /** Messages that each client sends. */
  readonly messages: number;
}

interface Body {
  readonly from: number;
  /** The stream of messages, of which each receiver gets all. */
  readonly stream: string;
  /** The number of the message in its stream, from 1. */
  readonly number: number;
}

interface RoamingClient {
  readonly index: number;
  readonly user: string;
  readonly line: RoamingLine;
  /** Members of the room that the client knows, itself included. */
  members: number;
  sent: number;
  /** Messages sent so far, by stream. */
  readonly streams: Map<string, number>;
  readonly unanswered: Set<string>;
  /** The last number received, by sender and stream. */
  readonly received: Map<string, number>;
}

/**
 * Clients that send one another messages of every kind, are cut at random, and return anywhere. Checks that nothing is lost,
 * doubled or out of order, that each message has one answer, and that no session ends.
 */
export class RoamingTraffic {
  readonly breaches: string[] = [];
  readonly #clients: RoamingClient[];
  #isOver = false;
  #finish: () => void = () => undefined;

  constructor(private readonly options: TrafficOptions) {
    this.#clients = options.users.map((user, index) => this.#client(index, user));
  }

  /** Times that clients have returned. */
  get returns(): number {
    return this.#clients.reduce((sum, { line }) => sum + line.returns, 0);
  }

  /** Runs until every message has arrived. Ends early with the first breach. */
  async run(): Promise<void> {
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    for (const client of this.#clients) this.#connect(client);
    await finished;
    this.#isOver = true;
    for (const { line } of this.#clients) {
      line.close();
      this.breaches.push(...line.breaches);
    }
  }

  #client(index: number, user: string): RoamingClient {
    const line: RoamingLine = new RoamingLine({
      opened: (_, reason) => {
        if (client.members > 0 || reason !== undefined) return this.#breach(`${index} got a new session: ${reason}`);
        line.send({ type: 'sys.join', receiver: ROOM, id: 'join' });
      },
      message: (message) => this.#onMessage(client, message),
      lost: () => {
        if (!this.#isOver) setTimeout(() => this.#connect(client), this.options.random.between(0, RETRY_MS));
      },
    });
    const client: RoamingClient = {
      index,
      user,
      line,
      members: 0,
      sent: 0,
      streams: new Map(),
      unanswered: new Set(),
      received: new Map(),
    };
    return client;
  }

  #connect({ line, user }: RoamingClient): void {
    if (!this.#isOver) line.connect(this.options.place(user));
  }

  #onMessage(client: RoamingClient, { type, ref, data }: Received): void {
    if (this.#isOver) return;
    switch (type) {
      case 'roam':
        this.#onArrival(client, data as Body);
        break;
      case 'sys.members':
        this.#onMembers(client, (data as { total: number }).total);
        break;
      case 'sys.joined':
        this.#onMembers(client, 1);
        break;
      case 'sys.ack':
        this.#onAnswer(client, ref!, data as { status: string; skipped?: number });
        break;
      case 'sys.error':
      case 'sys.departed':
      case 'sys.left':
      case 'sys.gap':
      case 'sys.undelivered':
        this.#breach(`${client.index} got ${type} ${JSON.stringify(data)} to ${ref}`);
    }
    if (this.#isComplete()) this.#finish();
  }

  /** Begins once all clients know each other, because a message gets only to the members that its node knows. */
  #onMembers(client: RoamingClient, more: number): void {
    client.members += more;
    const isReady = this.#clients.every(({ members }) => members === this.#clients.length);
    if (isReady) for (const each of this.#clients) this.#send(each);
  }

  #onArrival(client: RoamingClient, { from, stream, number }: Body): void {
    const key = `${from} ${stream}`;
    const last = client.received.get(key) ?? 0;
    if (number !== last + 1) this.#breach(`${client.index} got ${number} of ${key} after ${last}`);
    client.received.set(key, number);
    if (this.options.random.between(1, CUT_EVERY) === 1) client.line.cut();
  }

  #onAnswer(client: RoamingClient, ref: string, { status, skipped }: { status: string; skipped?: number }): void {
    if (!client.unanswered.delete(ref)) this.#breach(`${client.index} got a second answer to ${ref}`);
    if (skipped !== undefined) this.#breach(`${client.index} got ${status} with ${skipped} skipped to ${ref}`);
    this.#send(client);
  }

  #send(client: RoamingClient): void {
    while (client.unanswered.size < WINDOW && client.sent < this.options.messages) {
      const { receiver, stream } = this.#anyReceiver(client);
      const number = (client.streams.get(stream) ?? 0) + 1;
      client.streams.set(stream, number);
      const id = String(++client.sent);
      client.unanswered.add(id);
      const data: Body = { from: client.index, stream, number };
      client.line.send({ type: 'roam', receiver, id, data });
    }
  }

  #anyReceiver(client: RoamingClient): { readonly receiver: string; readonly stream: string } {
    const { random, users } = this.options;
    const other = random.pick(this.#clients.filter((each) => each !== client));
    const shared = users.filter((user) => this.#receivers(client, `@${user}`).length > 0);
    switch (random.pick(['session', 'session', 'user', 'room', 'all'])) {
      case 'user': {
        const receiver = `@${random.pick(shared)}`;
        return { receiver, stream: receiver };
      }
      case 'room':
        return { receiver: ROOM, stream: ROOM };
      case 'all':
        return { receiver: '*', stream: '*' };
      default:
        return { receiver: other.line.id, stream: `=${other.index}` };
    }
  }

  /** Returns the clients that get a stream of a client. */
  #receivers(sender: RoamingClient, stream: string): RoamingClient[] {
    return this.#clients.filter(({ index, user }) => {
      if (index === sender.index) return false;
      if (stream.startsWith('@')) return stream === `@${user}`;
      return !stream.startsWith('=') || stream === `=${index}`;
    });
  }

  #isComplete(): boolean {
    return this.#clients.every(
      (sender) =>
        sender.sent === this.options.messages &&
        sender.unanswered.size === 0 &&
        [...sender.streams].every(([stream, count]) =>
          this.#receivers(sender, stream).every(({ received }) => received.get(`${sender.index} ${stream}`) === count),
        ),
    );
  }

  #breach(text: string): void {
    this.breaches.push(text);
    this.#finish();
  }
}
