import type { Received } from '../support/client.js';
import type { AnswerCounts } from '../support/group-views.js';
import type { Random } from '../support/random.js';
import { RoamingLine } from '../support/roaming-line.js';
import type { Ledger, SessionRecord } from './ledger.js';

const RECONNECT_MS = [100, 1000] as const;
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

/** Whether a client returns to its session after the loss of a connection. */
export type ChaosKind = 'returns' | 'begins anew';

/** A client that reconnects to any node whenever its connection ends, and records its messages in the ledger. */
export class ChaosClient {
  /** The current session; undefined while disconnected, unless the client returns to it. */
  record: SessionRecord | undefined;
  readonly #line: RoamingLine;
  #url = '';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly ledger: Ledger,
    private readonly user: ChaosUser,
    private readonly choices: Choices,
    private readonly random: Random,
    private readonly kind: ChaosKind,
  ) {
    const events = {
      opened: (id: string) => this.#onOpened(id),
      returned: () => void ledger.returns++,
      message: (message: Received) => this.#receive(message),
      lost: () => this.#onLost(),
    };
    this.#line = new RoamingLine(events, kind);
    this.#connect();
  }

  get isConnected(): boolean {
    return this.#line.isOpen;
  }

  /** Cuts the connection of a client that returns. */
  cut(): void {
    if (this.kind === 'returns') this.#line.cut();
  }

  sendTo(receiver: string): void {
    const { record } = this;
    if (record === undefined) return;
    const number = this.ledger.onSent(record, receiver);
    this.#line.send({ type: 'talk', receiver, id: String(number), data: number });
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

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#line.cut();
  }

  #connect(): void {
    const urls = this.choices.urls();
    if (urls.length === 0) return this.#reconnectLater();
    this.#url = this.random.pick(urls);
    this.#line.connect({ url: this.#url, headers: { authorization: `Bearer ${this.user.token}` } });
  }

  #onLost(): void {
    if (this.record !== undefined) this.record.lostMs = performance.now();
    if (this.kind === 'begins anew') this.#end();
    this.#reconnectLater();
  }

  /** Records that the session has ended. */
  #end(): void {
    if (this.record !== undefined) this.record.endedMs = performance.now();
    this.record = undefined;
  }

  #reconnectLater(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#connect(), this.random.between(...RECONNECT_MS));
  }

  #join(): void {
    this.#request('sys.join', `#${this.random.pick(this.choices.rooms)}`);
  }

  /** Sends a request. Its `id` names the request, so that the answer does so too. */
  #request(type: string, receiver: string): void {
    this.#line.send({ type, receiver, id: `${type} ${receiver}` });
  }

  #onOpened(id: string): void {
    this.#end(); // the session to which the client did not return
    const returns = this.kind === 'returns';
    this.record = this.ledger.onOpened({ id, url: this.#url, user: this.user.name, returns });
    for (let count = 0; count < ROOMS_OF_SESSION; count++) this.#join();
    for (let count = 0; count < WATCHED; count++)
      this.#request('sys.watch', `@${this.random.pick(this.choices.users).name}`);
  }

  #receive(message: Received): void {
    const { type, sender, receiver, ref, data } = message;
    const { record, ledger } = this;
    if (record === undefined) return;
    switch (type) {
      case 'talk':
        return ledger.onReceived(record, sender, receiver, data as number);
      case 'sys.departed':
        return ledger.onDeparted(record, sender);
      case 'sys.members':
        return ledger.groups.listed(record, data.room as string, data.sessions as string[]);
      case 'sys.joined':
        return ledger.groups.joined(record, receiver.slice(1), sender);
      case 'sys.left':
        return ledger.groups.left(record, receiver.slice(1), sender, data.code as number | undefined);
      case 'sys.presence':
        return ledger.onPresence(record, data.user as string, data.online as boolean);
      case 'sys.gap':
        return ledger.onGap(record);
      case 'sys.undelivered':
        return; // the message has its answer already
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
