import { isGroup, NODE_ID_CHARACTERS } from '../../src/protocol/index.js';
import { GroupViews, type AnswerCounts } from '../support/group-views.js';
import { AwayViews } from './away-views.js';

/** One session and all that its client has received. */
export interface Client {
  readonly name: string;
  readonly id: string;
  readonly user: string | undefined;
  endedMs: number | undefined;
  /** When its connection was lost; kept where the session ended before the client came back. */
  awaySinceMs: number | undefined;
  /** When it came back last. */
  backMs: number;
  /** Text frames that it has received, welcomes not counted. */
  frames: number;
  /** Sessions that its node listed when it opened. */
  readonly knownAtOpening: ReadonlySet<string>;
  /** Sessions of those that were away. */
  readonly awayAtOpening: ReadonlySet<string>;
  readonly arrived: Map<string, number>;
  readonly departed: Map<string, number>;
  /** The numbers of the messages it received, and the last one of each sender. */
  readonly received: Set<number>;
  readonly lastOf: Map<string, number>;
}

interface Sent {
  readonly sender: Client;
  readonly receiver: string;
  readonly sentMs: number;
  answer: string | undefined;
  answeredMs: number;
}

/** Answers after which a message may still arrive. */
const MAY_BE_DELIVERED = new Set(['unavailable', 'routed', 'held', 'accepted']);
/** Answers after which a message to a session or a user has a place. */
const HAS_PLACE = new Set(['routed', 'held', 'unavailable']);

/**
 * The promises of the contract: every message has one answer, nothing arrives twice, out of order or late, and each
 * arrival and departure arrives once. Collects what breaks one.
 */
export class Promises {
  readonly breaches: string[] = [];
  readonly answers = new Map<string, number>();
  readonly clients = new Map<string, Client>();
  readonly groups: GroupViews<Client>;
  readonly away: AwayViews;
  /** Messages that were reported as undelivered. */
  undelivered = 0;
  readonly #sent = new Map<number, Sent>();
  /** Ids of nodes that were declared dead, and when. Their sessions may depart before they end. */
  readonly #deadSinceMs = new Map<string, number>();
  #number = 0;

  constructor(
    private readonly now: () => number,
    /** The age up to which a message may be delivered. */
    private readonly maxAgeMs: () => number,
  ) {
    this.groups = new GroupViews<Client>({
      now,
      breach: (text) => this.breach(text),
      clients: this.clients,
      mayHaveEnded: (id) => this.#firstEndMs(id) <= now(),
      mustHave: (client, answeredMs) => reachableUntilMs(client) > answeredMs,
      slackMs: 0,
    });
    this.away = new AwayViews({ breach: (text) => this.breach(text), nameOf: (id) => this.#name(id) });
  }

  breach(text: string): void {
    this.breaches.push(`${this.now().toFixed(1)} ms: ${text}`);
  }

  opened(client: Client): void {
    this.clients.set(client.id, client);
  }

  /** Records that a node was declared dead by another one. */
  declaredDead(nodeId: string): void {
    if (!this.#deadSinceMs.has(nodeId)) this.#deadSinceMs.set(nodeId, this.now());
  }

  /** Returns the number of the next message. @param receiver the id of a session, `*`, a user or a room */
  sent(sender: Client, receiver: string): number {
    this.#sent.set(++this.#number, { sender, receiver, sentMs: this.now(), answer: undefined, answeredMs: 0 });
    if (isGroup(receiver)) this.groups.sent(this.#number, sender, receiver);
    return this.#number;
  }

  received(client: Client, senderId: string, number: number): void {
    const sender = this.#name(senderId);
    const sent = this.#sent.get(number);
    if (sent === undefined) return this.breach(`${client.name} received ${number}, which was not sent`);
    if (isGroup(sent.receiver)) this.groups.received(client, senderId, sent.receiver, number);
    else if (sent.receiver !== '*' && sent.receiver !== client.id)
      this.breach(`${client.name} received ${number} for another session`);
    if (client.received.has(number)) this.breach(`${client.name} received ${number} of ${sender} twice`);
    if (number < (client.lastOf.get(senderId) ?? 0)) this.breach(`${client.name} received ${number} out of order`);
    if (client.departed.has(senderId)) this.breach(`${client.name} received ${number} after ${sender} departed`);
    if (sent.answer !== undefined && !MAY_BE_DELIVERED.has(sent.answer) && sent.receiver !== '*')
      this.breach(`${client.name} received ${number}, which was answered ${sent.answer}`);
    const ageMs = this.now() - sent.sentMs;
    if (sent.receiver !== '*' && ageMs > this.maxAgeMs() && client.backMs < sent.sentMs)
      this.breach(`${client.name} received ${number} after ${ageMs.toFixed(1)} ms`);
    client.received.add(number);
    client.lastOf.set(senderId, number);
  }

  /** @param counts the numbers in the answer */
  answered(client: Client, number: number, answer: string, counts: AnswerCounts = {}): void {
    this.groups.answered(number, answer, counts);
    const sent = this.#sent.get(number)!;
    if (sent.answer !== undefined) this.breach(`${client.name} received a second answer to ${number}: ${answer}`);
    sent.answer = answer;
    sent.answeredMs = this.now();
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }

  /** Records `sys.undelivered`. @param receiverId the session that has not seen the message */
  notDelivered(client: Client, number: number, receiverId: string): void {
    this.undelivered++;
    const { sender, answer, receiver } = this.#sent.get(number)!;
    const what = `${client.name} received that ${number} was not delivered`;
    if (sender !== client) this.breach(`${what}, which it did not send`);
    if (answer !== undefined && !HAS_PLACE.has(answer)) this.breach(`${what}, which was answered ${answer}`);
    if (this.#firstEndMs(receiverId) > this.now()) this.breach(`${what}, and its receiver has not ended`);
    if (receiver !== receiverId && receiver !== `@${this.clients.get(receiverId)?.user}`)
      this.breach(`${what} to another receiver`);
  }

  arrived(client: Client, id: string): void {
    const name = this.#name(id);
    if (client.arrived.has(id)) this.breach(`${client.name} received the arrival of ${name} twice`);
    if (client.id === id) this.breach(`${client.name} received its own arrival`);
    if (client.knownAtOpening.has(id)) this.breach(`${client.name} received the arrival of ${name}, which was listed`);
    if (client.departed.has(id)) this.breach(`${client.name} received the arrival of ${name} after its departure`);
    if (client.lastOf.has(id)) this.breach(`${client.name} received the arrival of ${name} after its messages`);
    client.arrived.set(id, this.now());
  }

  departed(client: Client, id: string): void {
    const name = this.#name(id);
    if (client.departed.has(id)) this.breach(`${client.name} received the departure of ${name} twice`);
    if (client.id === id) this.breach(`${client.name} received its own departure`);
    if (!client.arrived.has(id) && !client.knownAtOpening.has(id))
      this.breach(`${client.name} received the departure of ${name}, which it did not know`);
    client.departed.set(id, this.now());
  }

  get alive(): Client[] {
    return [...this.clients.values()].filter(({ endedMs }) => endedMs === undefined);
  }

  /** Checks everything once nothing is under way any more. */
  settle(): void {
    for (const [number, { sender, receiver, answer, answeredMs }] of this.#sent) {
      if (answer === undefined && sender.endedMs === undefined) this.breach(`${number} was never answered`);
      const client = this.clients.get(receiver);
      if ((answer !== 'routed' && answer !== 'held') || client === undefined || client.received.has(number)) continue;
      if (reachableUntilMs(client) > answeredMs)
        this.breach(`${number} was answered ${answer} and not delivered to ${client.name}`);
    }
    const { alive } = this;
    this.groups.settle(alive);
    this.away.settle(alive);
    for (const client of alive)
      for (const other of this.clients.values()) if (other !== client) this.#pair(client, other);
  }

  /** Checks what one client knows of another session in the end. */
  #pair(client: Client, { id, name, endedMs }: Client): void {
    const knows = client.knownAtOpening.has(id) || client.arrived.has(id);
    const departedMs = client.departed.get(id);
    if (endedMs === undefined && !knows) this.breach(`${client.name} does not know ${name}`);
    if (endedMs === undefined && departedMs !== undefined)
      this.breach(`${client.name} received the departure of ${name}, which is connected`);
    if (endedMs !== undefined && knows && departedMs === undefined)
      this.breach(`${client.name} received no departure of ${name}`);
    if (departedMs !== undefined && endedMs !== undefined && departedMs < this.#firstEndMs(id))
      this.breach(`${client.name} received the departure of ${name} before its end, and its node was not dead`);
  }

  /** Returns the moment at which a session ended, or at which its node was declared dead. */
  #firstEndMs(id: string): number {
    const { endedMs = Number.POSITIVE_INFINITY } = this.clients.get(id) ?? {};
    const deadSinceMs = this.#deadSinceMs.get(id.slice(0, NODE_ID_CHARACTERS)) ?? Number.POSITIVE_INFINITY;
    return Math.min(endedMs, deadSinceMs);
  }

  #name(id: string): string {
    return this.clients.get(id)?.name ?? id;
  }
}

/** Returns until when a client gets what is sent to it: to its end, or to the loss of its last connection. */
function reachableUntilMs({ endedMs, awaySinceMs }: Client): number {
  return awaySinceMs ?? endedMs ?? Number.POSITIVE_INFINITY;
}
