import type { Received } from '../support/client.js';
import { describeAnswer, type Participant, type Traffic } from './resume-traffic.js';

/** Messages that one client must receive and has not yet. */
class Account {
  /** Data of messages by sender, in the order sent; messages that handlers send are apart. */
  readonly messages = new Map<string, string[]>();
  /** Answers by the number of the message that they answer. */
  readonly answers = new Map<number, { readonly id: string | undefined; readonly left: string[] }>();
  /** Errors to messages without an `id`, which name no message. */
  errors = 0;
  /** Senders that are away as far as this client has been notified. */
  readonly away = new Set<string>();

  get isSettled(): boolean {
    return this.messages.size + this.answers.size + this.away.size + this.errors === 0;
  }

  get missing(): string[] {
    const messages = [...this.messages].map(([sender, { length }]) => `${length} messages from ${sender}`);
    const answers = [...this.answers].map(([number, { left }]) => `answers to ${number}: ${left.join(', ')}`);
    const away = [...this.away].map((id) => `sys.back of ${id}`);
    return [...messages, ...answers, ...away, ...(this.errors > 0 ? [`${this.errors} errors without ref`] : [])];
  }
}

/** Records what clients send, checks what they receive, and lists the differences. */
export class ResumeLedger {
  readonly violations: string[] = [];
  /** Messages and answers that were received. */
  received = 0;
  readonly #accounts = new Map<string, Account>();

  constructor(private readonly participants: readonly Participant[]) {
    for (const { id } of participants) this.#accounts.set(id, new Account());
  }

  onSent(from: Participant, { number, id, data, type, receivers, answers }: Traffic): void {
    for (const receiver of receivers) {
      const { messages } = this.#accounts.get(receiver.id)!;
      const key = `${from.id} ${type}`;
      const queue = messages.get(key) ?? [];
      messages.set(key, queue);
      queue.push(data);
    }
    const account = this.#accounts.get(from.id)!;
    const last = answers.at(-1)!;
    const isError = !/^(routed|held|accepted)/.test(last);
    if (id === undefined && isError) account.errors++;
    const left = answers.slice(0, id === undefined ? -1 : answers.length);
    if (left.length > 0) account.answers.set(number, { id, left });
  }

  onReceived(by: Participant, text: string): void {
    this.received++;
    const message = JSON.parse(text) as Received;
    const { type, sender, ref, data } = message;
    const account = this.#accounts.get(by.id)!;
    if (type === 'm' || type === 'relayed') return this.#onMessage(by, account, message);
    if (type === 'sys.away') return this.#onNotice(by, account.away.has(sender), text, () => account.away.add(sender));
    if (type === 'sys.back')
      return this.#onNotice(by, !account.away.has(sender), text, () => account.away.delete(sender));
    if (type === 'sys.error' && ref === undefined) {
      if (account.errors-- === 0) this.violation(by, `an error too many: ${text}`);
      return;
    }
    if (type === 'sys.ack' || type === 'sys.error') return this.#onAnswer(by, account, Number(ref), message);
    if (type.startsWith('p.')) return this.#onAnswer(by, account, (data as number[])[0]!, message);
    this.violation(by, `unexpected: ${text}`);
  }

  violation({ index }: Participant, text: string): void {
    this.violations.push(`client ${index}: ${text.slice(0, 300)}`);
  }

  /** True when all has arrived that was sent so far. */
  get isSettled(): boolean {
    return [...this.#accounts.values()].every((account) => account.isSettled);
  }

  /** Lists what has not arrived yet. */
  missing(): string[] {
    return this.participants.flatMap(({ index, id }) =>
      this.#accounts.get(id)!.missing.map((text) => `client ${index} misses ${text}`),
    );
  }

  #onMessage(by: Participant, { messages, away }: Account, { type, sender, data }: Received): void {
    const key = `${sender} ${type}`;
    const queue = messages.get(key);
    const expected = queue?.shift();
    const text = JSON.stringify(data);
    if (text !== expected)
      this.violation(by, `${type} ${text.slice(0, 20)} of ${sender} in place of ${expected?.slice(0, 20)}`);
    if (queue?.length === 0) messages.delete(key);
    if (type === 'm' && away.has(sender)) this.violation(by, `${text.slice(0, 20)} of ${sender}, which is away`);
  }

  #onAnswer(by: Participant, { answers }: Account, number: number, message: Received): void {
    const answer = answers.get(number);
    const expected = answer?.left.shift();
    const text = describeAnswer(message);
    if (answer === undefined || !expected?.split('|').includes(text))
      return this.violation(by, `the answer to ${number} is ${text} in place of ${expected}`);
    if (message.ref !== answer.id) this.violation(by, `the answer to ${number} has the ref ${message.ref}`);
    if (answer.left.length === 0) answers.delete(number);
  }

  #onNotice(by: Participant, isWrong: boolean, text: string, apply: () => unknown): void {
    if (isWrong) this.violation(by, `a notice too many: ${text}`);
    apply();
  }
}
