import type { Received } from '../support/client.js';
import type { AnswerCounts } from '../support/group-views.js';
import type { Random } from '../support/random.js';
import type { Ledger, SessionRecord } from './ledger.js';
import type { Line, LineOwner, Target } from './lines.js';

/** Rooms that a session joins when it opens, and users that it watches. */
const ROOMS_OF_SESSION = 2;
const WATCHED = 1;

interface Answer extends AnswerCounts {
  readonly status?: string;
  readonly code?: string;
}

/** The user of a client, and its token. */
export interface ChaosUser {
  readonly name: string;
  readonly token: string;
}

/** The nodes, users and rooms that clients choose from. */
export interface Choices {
  /** The addresses of the running nodes. */
  readonly urls: () => readonly string[];
  readonly users: readonly ChaosUser[];
  readonly rooms: readonly string[];
}

/** The id of an entry of a page, which is an object where the session is away. */
export type Entry = string | { readonly id: string };

export function idsOf(entries: readonly Entry[]): string[] {
  return entries.map((entry) => (typeof entry === 'string' ? entry : entry.id));
}

/** A client that reconnects to any node whenever its connection ends, and records its messages in the ledger. */
export class ChaosClient implements LineOwner {
  /** The current session; undefined without one. A session that is away counts. */
  record: SessionRecord | undefined;
  readonly #line: Line;

  constructor(
    private readonly ledger: Ledger,
    private readonly user: ChaosUser,
    private readonly choices: Choices,
    private readonly random: Random,
    LineOfClient: new (owner: LineOwner, target: Target) => Line,
  ) {
    this.#line = new LineOfClient(this, { urls: choices.urls, token: user.token, random });
    this.#line.connect();
  }

  get isConnected(): boolean {
    return this.record !== undefined && this.#line.isOpen;
  }

  sendTo(receiver: string): void {
    const { record } = this;
    if (record === undefined) return;
    const number = this.ledger.onSent(record, receiver);
    this.#line.send(`{"type":"talk","receiver":"${receiver}","id":"${number}","data":${number}}`);
  }

  /** Sends a message to a room of this client. */
  sendToRoom(): void {
    const rooms = this.record === undefined ? [] : this.ledger.groups.roomsOf(this.record);
    if (rooms.length > 0) this.sendTo(`#${this.random.pick(rooms)}`);
  }

  /** Leaves one room and joins another; or the same one again. */
  moveRoom(): void {
    const { record } = this;
    const rooms = record === undefined ? [] : this.ledger.groups.roomsOf(record);
    if (record === undefined || rooms.length === 0) return;
    const room = this.random.pick(rooms);
    this.ledger.groups.leaves(record, room);
    this.#request('sys.leave', `#${room}`);
    this.#join();
  }

  /** Cuts the connection. */
  cut(): void {
    this.#line.cut();
  }

  /** Cuts the connection, and connects again after this time. */
  leave(awayMs: number): void {
    this.#line.leave(awayMs);
  }

  stop(): void {
    this.#line.stop();
  }

  opened(welcome: Received, url: string): void {
    this.record = this.ledger.onOpened(welcome, url, this.user.name);
    for (let count = 0; count < ROOMS_OF_SESSION; count++) this.#join();
    for (let count = 0; count < WATCHED; count++)
      this.#request('sys.watch', `@${this.random.pick(this.choices.users).name}`);
  }

  lost(): void {
    if (this.record !== undefined) this.record.lostMs ??= performance.now();
  }

  ended(): void {
    if (this.record === undefined) this.ledger.groups.unwelcomed(this.user.name);
    else this.record.endedMs = performance.now();
    this.record = undefined;
  }

  breach(text: string): void {
    this.ledger.violation(text);
  }

  #join(): void {
    this.#request('sys.join', `#${this.random.pick(this.choices.rooms)}`);
  }

  /** Sends a request. Its `id` names the request, so that the answer does so too. */
  #request(type: string, receiver: string): void {
    this.#line.send(JSON.stringify({ type, receiver, id: `${type} ${receiver}` }));
  }

  received(message: Received): void {
    const { type, sender, receiver, ref, data } = message;
    const { record, ledger } = this;
    if (record === undefined) return;
    switch (type) {
      case 'talk':
        return ledger.onReceived(record, sender, receiver, data as number);
      case 'sys.departed':
        return ledger.onDeparted(record, sender);
      case 'sys.members':
        return ledger.groups.listed(record, data.room as string, idsOf(data.sessions as Entry[]));
      case 'sys.joined':
        return ledger.groups.joined(record, receiver.slice(1), sender);
      case 'sys.left':
        return ledger.groups.left(record, receiver.slice(1), sender, data.code as number | undefined);
      case 'sys.presence':
        return ledger.onPresence(record, data.user as string, data.online as boolean);
      case 'sys.gap':
        return ledger.onGap(record);
      case 'sys.away':
        return ledger.onAway(record, sender);
      case 'sys.back':
        return ledger.onBack(record, sender);
      case 'sys.undelivered':
        return ledger.onUndelivered(record, Number(ref), data.receiver as string);
    }
    if (ref !== undefined) this.#onAnswer(record, ref, type, data as Answer);
  }

  #onAnswer(record: SessionRecord, ref: string, type: string, answer: Answer): void {
    const [request, receiver = ''] = ref.split(' ');
    if (receiver === '')
      return this.ledger.onAnswered(record, Number(ref), answer.status ?? answer.code ?? type, answer);
    if (type === 'sys.error') return this.ledger.violation(`${record.id}: ${ref} was answered ${answer.code}`);
    if (request === 'sys.leave') this.ledger.groups.left(record, receiver.slice(1), record.id);
  }
}
