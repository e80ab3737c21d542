import type { ServerMessageMap } from './wire.js';

/**
 * Declares the message types of an application without their `data`. An interface of the application names each type:
 *
 *     interface Messages {
 *       'dice.roll': { request: { sides: number }; answer: { rolled: number } }; // to a handler, which answers once
 *       'job.run': { request: { name: string }; stream: { percent: number } }; // to a handler, which sends values
 *       chat: { message: { text: string } }; // between sessions, or from the server
 *       'poll.opened': { notice: { question: string } }; // from the server alone
 *     }
 *
 * A request without `answer` is acknowledged only. A member without `request`, `message` and `notice` is the `data` of a
 * type that may be used in each way.
 */
export type MessageMap = Record<string, unknown>;

/** A member that declares the ways of its type, and is not the `data` itself. */
type Declared = { request: unknown } | { message: unknown } | { notice: unknown };

/** The `data` of a message between sessions. */
export type MessageData<Member> = Member extends { message: infer Data }
  ? Data
  : Member extends Declared
    ? never
    : Member;

/** The `data` of a message to a handler. */
export type RequestData<Member> = Member extends { request: infer Data }
  ? Data
  : Member extends Declared
    ? never
    : Member;

/** The `data` of the one answer of a handler; `never` where the handler streams. */
export type AnswerData<Member> = Member extends { stream: unknown }
  ? never
  : Member extends { answer: infer Data }
    ? Data
    : Member extends { request: unknown }
      ? undefined
      : Member extends Declared
        ? never
        : unknown;

/** The `data` of each value that a handler streams; `never` where it answers at most once. */
export type StreamData<Member> = Member extends { stream: infer Data }
  ? Data
  : Member extends Declared
    ? never
    : unknown;

/** The `data` of a message that arrives: from a session, from the server, or from a handler as an answer. */
type ArrivingData<Member> = Member extends Declared
  ? | MessageData<Member>
    | (Member extends { notice: infer Data } ? Data : never)
    | (Member extends { answer: infer Data } | { stream: infer Data } ? Data : never)
  : Member;

type Unless<Data, Type> = [Data] extends [never] ? never : Type;

/** Types that `send` and `post` offer: for a receiver the messages, without a receiver the requests. */
export type SendType<Messages extends object, Receiver> = {
  [Type in keyof Messages & string]: Unless<SendData<Messages[Type], Receiver>, Type>;
}[keyof Messages & string];

export type SendData<Member, Receiver> = Receiver extends string ? MessageData<Member> : RequestData<Member>;

/** Types that `request` offers: those whose handler answers at most once. */
export type RequestType<Messages extends object> = {
  [Type in keyof Messages & string]: Unless<AnswerData<Messages[Type]>, Type>;
}[keyof Messages & string];

/** Types that `stream` offers: those whose handler sends values. */
export type StreamType<Messages extends object> = {
  [Type in keyof Messages & string]: Unless<StreamData<Messages[Type]>, Type>;
}[keyof Messages & string];

/** Types that a listener can subscribe to; `*` is every type. */
export type ReceivedType<Messages extends object> =
  | { [Type in keyof Messages & string]: Unless<ArrivingData<Messages[Type]>, Type> }[keyof Messages & string]
  | keyof ServerMessageMap
  | '*';

export type ReceivedData<Messages extends object, Type> = Type extends keyof ServerMessageMap
  ? ServerMessageMap[Type]
  : Type extends keyof Messages
    ? ArrivingData<Messages[Type]>
    : unknown;

/** The arguments behind the type: `data` may be left out only where it may be `undefined`. */
export type DataArguments<Data, Options> = undefined extends Data
  ? [data?: Data, options?: Options]
  : [data: Data, options?: Options];

/**
 * `open` is connected, and in the rooms; `waiting` is the time before a reconnect; after `closed` the client does not
 * reconnect.
 */
export type Phase = 'connecting' | 'open' | 'waiting' | 'closed';

export interface StateChange {
  readonly phase: Phase;
  /** The session id, when open. */
  readonly id?: string;
  /**
   * Set while connecting or waiting, where the session may return: the server keeps its messages, rooms and watches. Where its
   * time is over, the same change follows once more without `away`.
   */
  readonly away?: true;
  /** When open after `away`: whether the session has returned, or is a new one. */
  readonly resumed?: boolean;
  /** The close code of the last connection, when waiting or closed; 1006 if there was no close frame. */
  readonly code?: number;
  /**
   * The reason of the close frame; `bad_url_or_token`, `no_token`, `no_welcome`, `not_switchboard`, `reconnect` or `silent`
   * beside 1006; the first is also the reason for a wrong URL beside a token, after which the client tries again;
   * `page_hidden` beside 1001 where the client closed before the page was frozen. Beside `resumed: false` the reason of the
   * server, such as `expired`.
   */
  readonly reason?: string;
  /** Milliseconds until the next attempt, when waiting; absent where the client waits until the page is shown. */
  readonly delayMs?: number;
}
