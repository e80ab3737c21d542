import type { Received } from '../support/client.js';
import { LastingClient, type Kind, type Target } from './lasting-client.js';

/** Counts of the messages of a ring. */
export interface RingCount {
  readonly sent: number;
  /** Sent, and answered by neither an acknowledgement nor an error. */
  readonly unanswered: number;
  /** Acknowledged and never received. */
  readonly lost: number;
  readonly duplicated: number;
  readonly misordered: number;
  /** Sessions that were opened because an earlier one had ended. */
  readonly newSessions: number;
}

/** Sessions in a ring, each of which sends numbered messages to the next, over lost connections. */
export class Ring {
  readonly #clients: readonly LastingClient[];
  #number = 0;
  /** Messages that still have to arrive before {@link arrived} resolves. */
  #awaited = 0;
  #onArrived = (): void => undefined;

  private constructor(target: Target, size: number, kind: Kind) {
    const onMessage = ({ type }: Received): void => {
      if (type === 'load' && --this.#awaited === 0) this.#onArrived();
    };
    this.#clients = Array.from({ length: size }, () => new LastingClient(target, kind, onMessage));
  }

  static async open(target: Target, size: number, kind: Kind): Promise<Ring> {
    const ring = new Ring(target, size, kind);
    await ring.ready();
    return ring;
  }

  /** Resolves when so many more messages have arrived at their receivers. */
  arrived(messages: number): Promise<void> {
    this.#awaited = messages;
    return new Promise((resolve) => (this.#onArrived = resolve));
  }

  /** Resolves when all clients have a connection. */
  async ready(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.ready()));
  }

  /** Resolves when all clients have lost the connections that they have now. */
  async lost(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.lost()));
  }

  /** Sends this many messages from each session, without waiting for the answers. */
  send(each: number): void {
    for (let count = 0; count < each; count++)
      for (const [index, client] of this.#clients.entries()) {
        const { id: receiver } = this.#clients[(index + 1) % this.#clients.length]!;
        client.send({ type: 'load', receiver, id: String(this.#number++), data: 'x'.repeat(100) });
      }
  }

  /** Resolves when the server has answered all messages, and their receivers have them. */
  async settled(): Promise<void> {
    for (let round = 0; round < 2; round++) await Promise.all(this.#clients.map((client) => client.settled()));
  }

  count(): RingCount {
    const inboxes = this.#clients.map(({ inbox }) => inbox);
    const numbers = (type: string): number[] =>
      inboxes.flat().flatMap((message) => (message.type === type ? [Number(message.ref)] : []));
    const acknowledged = numbers('sys.ack');
    const received = inboxes.map((inbox) => inbox.filter(({ type }) => type === 'load').map(({ id }) => Number(id)));
    const unique = new Set(received.flat());
    return {
      sent: this.#number,
      unanswered: this.#number - new Set([...acknowledged, ...numbers('sys.error')]).size,
      lost: acknowledged.filter((number) => !unique.has(number)).length,
      duplicated: received.flat().length - unique.size,
      misordered: received.reduce((sum, ids) => sum + ids.filter((id, at) => at > 0 && id < ids[at - 1]!).length, 0),
      newSessions: this.#clients.reduce((sum, { newSessions }) => sum + newSessions, 0),
    };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
