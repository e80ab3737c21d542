import type { SocketLike } from '../../packages/client/src/connect.js';

export interface SentMessage {
  readonly type: string;
  readonly receiver?: string;
  readonly id: string;
  readonly data?: unknown;
}

/** A socket whose server is the test. */
export class ScriptedSocket implements SocketLike {
  static last: ScriptedSocket;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  onerror: SocketLike['onerror'] = null;
  readonly sent: SentMessage[] = [];
  /** The codes of the close frames of the client. */
  readonly closes: (number | undefined)[] = [];

  constructor(
    _url: string,
    readonly protocols: readonly string[],
  ) {
    ScriptedSocket.last = this;
  }

  /** The types of the messages that were sent, with their ids. */
  get sentTypes(): string[] {
    return this.sent.map(({ type, id }) => [type, id].filter(Boolean).join(' '));
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as SentMessage);
  }

  close(code?: number): void {
    this.closes.push(code);
  }

  receive(envelope: object): void {
    this.onmessage?.({ data: JSON.stringify({ sender: 'server', receiver: 'ann.1', ...envelope }) });
  }

  /** @param fields of the welcome, beside those that each welcome has */
  welcome(fields: object = {}, receiver = 'ann.1'): void {
    const data = { protocol: 1, heartbeatMs: 600_000, maxMessageBytes: 4096, notices: 'all', ...fields };
    this.receive({ type: 'sys.welcome', receiver, data });
  }

  /** Answers the messages of the given receivers, all by default. */
  answer(type: string, data: object, receivers?: readonly string[]): void {
    for (const { id, receiver } of this.sent)
      if (receivers?.includes(receiver ?? '') ?? true) this.receive({ type, data, ref: id });
  }

  lose(code = 1006): void {
    this.onclose?.({ code, reason: '' });
  }
}
