import { AnswerStream } from './answer-stream.js';
import type { ConnectOptions, SendOptions, StreamOptions, WhoOptions } from './connect-options.js';
import { Emitter } from './emitter.js';
import { MAX_PAGE, MAX_POST_BUFFER, MAX_SESSIONS, QUEUE_SIZE, STREAM_BUFFER, TIMEOUT_MS } from './limits.js';
import type {
  AnswerData,
  DataArguments,
  MessageMap,
  Phase,
  ReceivedData,
  ReceivedType,
  RequestData,
  RequestType,
  SendData,
  SendType,
  StateChange,
  StreamData,
  StreamType,
} from './messages.js';
import { PendingRequests, type AnswerListener } from './pending-requests.js';
import { ReconnectingConnection, type ConnectionListener } from './reconnecting-connection.js';
import { SendError } from './send-error.js';
import type { Ack, Envelope, SessionEntry, SessionPage, Welcome } from './wire.js';

/** A message that failed: sent by {@link Client.send}, `request`, `stream`, `post` or by the client itself. */
export interface FailedMessage {
  /** A {@link SendError}, the error of `JSON.stringify`, or a `TypeError` for what `token()` returned. */
  readonly error: Error;
  readonly type: string;
  readonly receiver: string | undefined;
}

/** Connects to a server and reconnects after each lost connection; every connection has a session id of its own. */
export class Client<Messages extends object = MessageMap> {
  readonly #connection: ReconnectingConnection;
  readonly #timeoutMs: number;
  readonly #requests: PendingRequests;
  readonly #messages = new Emitter<Envelope>();
  readonly #states = new Emitter<StateChange>();
  readonly #failures = new Emitter<FailedMessage>();

  /** @throws {TypeError} where the environment has no WebSocket and the options name none */
  constructor(url: string, { timeoutMs = TIMEOUT_MS, queueSize = QUEUE_SIZE, ...options }: ConnectOptions) {
    this.#timeoutMs = timeoutMs;
    this.#requests = new PendingRequests(queueSize);
    const listener: ConnectionListener = {
      received: (envelope) => this.#received(envelope),
      changed: (change, welcome) => this.#changed(change, welcome),
      renew: (token) => this.#reporting('sys.auth', this.#exchange({ type: 'sys.auth', data: { token } })),
      refused: (error) => this.#failures.emit('', { error, type: 'sys.auth', receiver: undefined }),
    };
    this.#connection = new ReconnectingConnection(url, listener, { ...options, timeoutMs });
    void this.#connection.connect();
  }

  get phase(): Phase {
    return this.#connection.phase;
  }

  /** The session id; `undefined` while there is no connection. */
  get id(): string | undefined {
    return this.#connection.id;
  }

  /** Resolves to the session id once connected. @throws {SendError} `closed` if the client has closed */
  ready(): Promise<string> {
    const ready = new Promise<string>((resolve, reject) => {
      const check = (): void => {
        if (this.id !== undefined) resolve(this.id);
        else if (this.phase === 'closed') reject(clientClosed());
        else return;
        unsubscribe();
      };
      const unsubscribe = this.onState(check);
      check();
    });
    ready.catch(() => undefined); // a promise that nobody awaits must not end a Node process
    return ready;
  }

  /**
   * Sends to a handler of the server. Resolves to the answer of the handler, `undefined` if it has none, and the last
   * one if it has several; rejects also where the handler fails after an answer.
   *
   * @throws {SendError} if the message was rejected, or its outcome is unknown
   */
  request<Type extends RequestType<Messages>>(
    type: Type,
    ...[data, options]: DataArguments<RequestData<Messages[Type]>, SendOptions>
  ): Promise<AnswerData<Messages[Type]>> {
    let answer: unknown;
    const listener: AnswerListener = { answer: (value) => void (answer = value) };
    const outcome = this.#exchange({ type, data }, options, listener);
    // Answers of the server itself, such as `sys.sessions`, stand in place of the acknowledgement.
    return this.#reporting(
      type,
      outcome.then((end) => (end.type === 'sys.ack' ? answer : end.data) as AnswerData<Messages[Type]>),
    );
  }

  /**
   * Sends to a handler of the server, at once. Iterates over the answers of the handler until it is done. A loop that
   * ends early drops later answers; the handler runs on, because the server has no message that cancels.
   *
   * The iteration rejects with a {@link SendError} where the handler fails, the connection closes, or more than
   * `bufferSize` answers are not read.
   */
  stream<Type extends StreamType<Messages>>(
    type: Type,
    ...[data, options]: DataArguments<RequestData<Messages[Type]>, StreamOptions>
  ): AsyncIterableIterator<StreamData<Messages[Type]>, undefined> {
    const { bufferSize = STREAM_BUFFER }: StreamOptions = options ?? {};
    const stream = new AnswerStream<StreamData<Messages[Type]>>(bufferSize, (error) =>
      this.#requests.forget(stream, error),
    );
    this.#reporting(type, this.#exchange({ type, data }, options, stream)).then(
      () => stream.finish(),
      (error: unknown) => stream.finish(error),
    );
    return stream;
  }

  /**
   * Resolves when the server has written the message to the receiver's connection, or when the handler has finished.
   *
   * @param receiver a session id, `*` for every other session, `undefined` for a handler of the server
   * @throws {SendError} if the message was rejected, or its outcome is unknown
   */
  send<Receiver extends string | undefined, Type extends SendType<Messages, Receiver>>(
    receiver: Receiver,
    type: Type,
    ...[data, options]: DataArguments<SendData<Messages[Type], Receiver>, SendOptions>
  ): Promise<Ack> {
    const ack = this.#exchange({ type, receiver, data }, options).then((end) => end.data as Ack);
    return this.#reporting(type, ack, receiver);
  }

  /**
   * Sends without an acknowledgement, for data that the next message replaces, such as positions of a cursor. Drops the
   * message while there is no connection, and while more than 64 KiB wait in the socket. A message that the server
   * rejects is answered by a `sys.error` without a `ref`.
   *
   * @returns whether the message was handed to the socket
   */
  post<Receiver extends string | undefined, Type extends SendType<Messages, Receiver>>(
    receiver: Receiver,
    type: Type,
    ...[data]: DataArguments<SendData<Messages[Type], Receiver>, never>
  ): boolean {
    if (this.#connection.bufferedBytes > MAX_POST_BUFFER) return false;
    try {
      return this.#requests.post({ type, receiver, data });
    } catch (error) {
      this.#failures.emit('', { error: error as Error, type, receiver });
      return false;
    }
  }

  /** Lists the connected sessions in the order of their ids, 10,000 unless limited otherwise. @throws {SendError} */
  who(options: WhoOptions = {}): Promise<SessionEntry[]> {
    return this.#reporting('sys.who', this.#who(options));
  }

  /** Subscribes to messages of a type, or of every type with `*`. Returns a function that unsubscribes. */
  on<Type extends ReceivedType<Messages>>(
    type: Type,
    listener: (envelope: Envelope<ReceivedData<Messages, Type>>) => unknown,
  ): () => void {
    return this.#messages.add(type, listener as (envelope: Envelope) => void);
  }

  /** Subscribes to changes of `phase`. Returns a function that unsubscribes. */
  onState(listener: (change: StateChange) => unknown): () => void {
    return this.#states.add('', listener);
  }

  /**
   * Subscribes to every failure of a message, also of those whose promise the application awaits. A promise that nobody
   * awaits is reported here alone, and never as an unhandled rejection. Returns a function that unsubscribes.
   */
  onError(listener: (failed: FailedMessage) => unknown): () => void {
    return this.#failures.add('', listener);
  }

  /**
   * Cuts the connection, or ends the wait for the next attempt, and connects at once. Rejects unanswered messages with
   * `unknown_outcome`. No effect while a token is fetched, nor once closed.
   */
  reconnect(): void {
    this.#connection.reconnect();
  }

  /**
   * Checks the connection: cuts it where the server does not answer within 5 seconds, later while a long message is on its
   * way. Ends the wait for the next attempt, unless the server asked for it. Browsers and WeChat need no call, because the
   * client watches their events.
   */
  probe(): void {
    this.#connection.probe();
  }

  /** Closes without reconnecting. Rejects queued messages with `closed` and unanswered ones with `unknown_outcome`. */
  close(): void {
    this.#connection.close();
  }

  #received(envelope: Envelope): void {
    this.#requests.settle(envelope);
    this.#messages.emit(envelope.type, envelope);
    this.#messages.emit('*', envelope);
  }

  #changed(change: StateChange, welcome?: Welcome): void {
    if (change.phase === 'waiting') this.#requests.failSent();
    if (change.phase === 'closed') this.#requests.failAll(change.reason || CLOSED);
    // Before the listeners, so that they can post, and overtake no queued message.
    if (welcome) this.#requests.open(welcome.maxMessageBytes, (text, id) => this.#connection.send(text, id));
    this.#states.emit('', change);
  }

  async #who({ limit = MAX_SESSIONS, ...options }: WhoOptions): Promise<SessionEntry[]> {
    const sessions: SessionEntry[] = [];
    let after: string | undefined;
    do {
      const data = { after, limit: Math.min(MAX_PAGE, limit - sessions.length) };
      const page = (await this.#exchange({ type: 'sys.who', data }, options)).data as SessionPage;
      sessions.push(...page.sessions);
      after = page.next;
    } while (after !== undefined && sessions.length < limit);
    return sessions;
  }

  #exchange(fields: object, options: SendOptions = {}, listener?: AnswerListener): Promise<Envelope> {
    if (this.phase === 'closed') return Promise.reject(clientClosed());
    return this.#requests.add(fields, options.timeoutMs ?? this.#timeoutMs, listener);
  }

  /** Returns the outcome of a message, marked as handled, because a promise nobody awaits must not end a Node process. */
  #reporting<Outcome>(type: string, outcome: Promise<Outcome>, receiver?: string): Promise<Outcome> {
    outcome.catch((error: Error) => this.#failures.emit('', { error, type, receiver }));
    return outcome;
  }
}

const CLOSED = 'The client closed.';

function clientClosed(): SendError {
  return new SendError('closed', CLOSED);
}
