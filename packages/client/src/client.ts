import { AnswerStream } from './answer-stream.js';
import type { ConnectOptions, MessageOptions, SendOptions, StreamOptions, WhoOptions } from './connect-options.js';
import { Emitter } from './emitter.js';
import { Failures, type FailedMessage } from './failures.js';
import { Groups } from './groups.js';
import { MAX_POST_BUFFER, QUEUE_SIZE, STREAM_BUFFER, TIMEOUT_MS } from './limits.js';
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
import { PendingRequests } from './pending-requests.js';
import { readyOf } from './ready.js';
import { ReconnectingConnection, type ConnectionListener } from './reconnecting-connection.js';
import type { AnswerListener } from './request.js';
import type { Ack, Envelope, MembersPage, Presence, SessionEntry, Welcome } from './wire.js';

/** Connects to a server and reconnects after each lost connection. Then the session returns, or a new one begins. */
export class Client<Messages extends object = MessageMap> {
  readonly #connection: ReconnectingConnection;
  readonly #requests: PendingRequests;
  readonly #groups: Groups;
  readonly #messages = new Emitter<Envelope>();
  readonly #states = new Emitter<StateChange>();
  readonly #failures = new Failures();

  /** @throws {TypeError} where the environment has no WebSocket and the options name none */
  constructor(url: string, { timeoutMs = TIMEOUT_MS, queueSize = QUEUE_SIZE, ...options }: ConnectOptions) {
    this.#requests = new PendingRequests(queueSize, timeoutMs);
    this.#groups = new Groups(this.#requests, this.#failures);
    const listener: ConnectionListener = {
      received: (envelope) => this.#received(envelope),
      changed: (change, welcome) => this.#changed(change, welcome),
      renew: (token) => this.#failures.reporting('sys.auth', this.#requests.add({ type: 'sys.auth', data: { token } })),
      refused: (error) => this.#failures.report(error, 'sys.auth'),
    };
    this.#connection = new ReconnectingConnection(url, listener, { ...options, timeoutMs });
    void this.#connection.connect();
  }

  get phase(): Phase {
    const { phase } = this.#connection;
    return phase === 'open' && !this.#requests.isOpen ? 'connecting' : phase;
  }

  /** The session id; `undefined` while there is no connection. */
  get id(): string | undefined {
    return this.#connection.id;
  }

  /** Resolves to the session id once connected. @throws {SendError} `closed` if the client has closed */
  ready(): Promise<string> {
    return readyOf(this);
  }

  /**
   * Sends to a handler of the server. Resolves to the answer of the handler, `undefined` without an answer, and the last
   * one of several. @throws {SendError} if the message was rejected, also after an answer, or its outcome is unknown
   */
  request<Type extends RequestType<Messages>>(
    type: Type,
    ...[data, options]: DataArguments<RequestData<Messages[Type]>, SendOptions>
  ): Promise<AnswerData<Messages[Type]>> {
    let answer: unknown;
    const listener: AnswerListener = { answer: (value) => void (answer = value) };
    const outcome = this.#requests.add({ type, data }, options, listener);
    // Answers of the server itself, such as `sys.sessions`, stand in place of the acknowledgement.
    return this.#failures.reporting(
      type,
      outcome.then((end) => (end.type === 'sys.ack' ? answer : end.data) as AnswerData<Messages[Type]>),
    );
  }

  /**
   * Sends to a handler of the server, at once. Iterates over its answers until it is done. A loop that ends early drops later
   * answers; the handler runs on, because the server has no message that cancels. The iteration rejects with a
   * {@link SendError} where the handler fails, the session ends, or more than `bufferSize` answers are not read.
   */
  stream<Type extends StreamType<Messages>>(
    type: Type,
    ...[data, options]: DataArguments<RequestData<Messages[Type]>, StreamOptions>
  ): AsyncIterableIterator<StreamData<Messages[Type]>, undefined> {
    const { bufferSize = STREAM_BUFFER }: StreamOptions = options ?? {};
    const stream = new AnswerStream<StreamData<Messages[Type]>>(bufferSize, (error) =>
      this.#requests.forget(stream, error),
    );
    this.#failures.reporting(type, this.#requests.add({ type, data }, options, stream)).then(
      () => stream.finish(),
      (error: unknown) => stream.finish(error),
    );
    return stream;
  }

  /**
   * Resolves when the server has written the message to the receiver's connection, keeps it for a receiver that is away
   * (`held`), or when the handler has finished. @throws {SendError} if the message was rejected, or its outcome is unknown
   *
   * @param receiver a session id, `*` for every other session, `@USER`, `#ROOM`, or `undefined` for a handler of the server
   */
  send<Receiver extends string | undefined, Type extends SendType<Messages, Receiver>>(
    receiver: Receiver,
    type: Type,
    ...[data, options]: DataArguments<SendData<Messages[Type], Receiver>, MessageOptions>
  ): Promise<Ack> {
    const ack = this.#requests.add({ type, receiver, data }, options).then((end) => end.data as Ack);
    return this.#failures.reporting(type, ack, receiver);
  }

  /**
   * Sends without an acknowledgement, for data that the next message replaces, such as positions of a cursor. Returns false
   * and drops the message unless the phase is `open`, while more than 64 KiB wait in the socket, and while the server has not
   * seen `resumeBufferSize` characters. A message that the server rejects is answered by a `sys.error` without a `ref`.
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
      this.#failures.report(error as Error, type, receiver);
      return false;
    }
  }

  /** Posts an envelope that is JSON text already, as it is. Returns whether the text was handed to the socket. */
  postText(text: string): boolean {
    return this.#requests.postText(text);
  }

  /** Lists the sessions in the order of their ids, 10,000 unless limited otherwise. @throws {SendError} */
  who(options: WhoOptions = {}): Promise<SessionEntry[]> {
    return this.#failures.reporting('sys.who', this.#groups.list(options));
  }

  /**
   * Joins a room, now and in each new session, until {@link leave} or until the server ends the membership. Resolves to the
   * first page of the members, this session included. @throws {SendError} such as `forbidden` or `too_many_rooms`
   *
   * @param room the name without `#`
   */
  join(room: string, options?: SendOptions): Promise<MembersPage> {
    return this.#groups.enter('sys.join', `#${room}`, options);
  }

  /** Leaves a room. @throws {SendError} */
  leave(room: string, options?: SendOptions): Promise<Ack> {
    return this.#groups.exit('sys.leave', `#${room}`, options);
  }

  /** Lists the members of a room in the order of their ids, 10,000 unless limited otherwise. @throws {SendError} */
  members(room: string, options: WhoOptions = {}): Promise<SessionEntry[]> {
    return this.#failures.reporting('sys.who', this.#groups.list(options, `#${room}`), `#${room}`);
  }

  /**
   * Watches a user, now and in each new session, until {@link unwatch}: each change is a `sys.presence`. Resolves to the
   * present state. @throws {SendError} such as `forbidden` or `too_many_watches`
   *
   * @param user the name without `@`
   */
  watch(user: string, options?: SendOptions): Promise<Presence> {
    return this.#groups.enter('sys.watch', `@${user}`, options);
  }

  /** Ends the watch of a user. @throws {SendError} */
  unwatch(user: string, options?: SendOptions): Promise<Ack> {
    return this.#groups.exit('sys.unwatch', `@${user}`, options);
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
   * Subscribes to every failure of a message, awaited or not. A promise that nobody awaits is reported here alone, and never
   * as an unhandled rejection. Returns a function that unsubscribes.
   */
  onError(listener: (failed: FailedMessage) => unknown): () => void {
    return this.#failures.add('', listener);
  }

  /**
   * Cuts the connection, or ends the wait for the next attempt, and connects at once. Rejects unanswered messages with
   * `unknown_outcome` where the session does not return. No effect while a token is fetched, nor once closed.
   */
  reconnect(): void {
    this.#connection.reconnect();
  }

  /**
   * Checks the connection: cuts it where the server does not answer within 5 seconds, later while a long message is on its
   * way. Ends the wait for the next attempt, unless the server asked for it. Browsers and WeChat need no call.
   */
  probe(): void {
    this.#connection.probe();
  }

  /** Ends the session. Rejects queued messages with `closed`, and unanswered ones with `unknown_outcome`. */
  close(): void {
    this.#connection.close();
  }

  #received(envelope: Envelope): void {
    const { type, sender, receiver } = envelope;
    if (type === 'sys.left' && sender === this.id) this.#groups.ended(receiver);
    this.#requests.settle(envelope);
    this.#messages.emit(type, envelope);
    this.#messages.emit('*', envelope);
  }

  #changed(change: StateChange, welcome?: Welcome): void {
    const emit = (): void => this.#states.emit('', change);
    if (change.resumed) return this.#requests.resume(emit);
    if (change.away) this.#requests.pause();
    else this.#ended();
    if (change.phase === 'closed') this.#requests.failAll(change.reason ?? '');
    if (!welcome) return emit();
    // The listeners are last, so that they can post to rooms, and overtake no queued message.
    this.#requests.open(welcome.maxMessageBytes, this.#connection, () => this.#groups.restore(), emit);
  }

  /** Settles what waits for the answers of a session that has ended. */
  #ended(): void {
    this.#groups.stop();
    this.#requests.failSent();
  }
}
