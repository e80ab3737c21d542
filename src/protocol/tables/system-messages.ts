import { AuthDto, WhoDto } from './client-data.js';
import { Ack, Arrival, Departure, Reconnect, ErrorData, SessionPage, Welcome } from './server-data.js';

/** The `data` of each message type of the server. */
export interface ServerMessageMap {
  'sys.welcome': Welcome;
  'sys.arrived': Arrival | undefined;
  'sys.departed': Departure;
  'sys.ack': Ack;
  'sys.error': ErrorData;
  'sys.sessions': SessionPage;
  'sys.pong': unknown;
  'sys.reconnect': Reconnect;
}

/** Describes one message type of the server. */
export interface ServerMessageType<Data> {
  /** The class of `data`; `undefined` for any JSON value. */
  readonly data: unknown extends Data ? undefined : new () => Exclude<Data, undefined>;
  /** Whether `data` may be absent. */
  readonly dataIs: undefined extends Data ? 'optional' : 'present';
  readonly sender: 'server' | 'session';
  readonly receiver: 'you' | 'everyone';
  /** Whether the message has the `id` of the answered message as `ref`. */
  readonly ref: 'always' | 'where there was an id' | 'never';
  readonly when: string;
  readonly example: Data;
}

const A_SESSION = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

/** Every message type of the server. The mapped type makes each row agree with {@link ServerMessageMap}. */
export const SERVER_MESSAGES: { readonly [Type in keyof ServerMessageMap]: ServerMessageType<ServerMessageMap[Type]> } =
  {
    'sys.welcome': {
      data: Welcome,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'never',
      when: 'The first frame of every connection; `receiver` is your session id.',
      example: { protocol: 1, heartbeatMs: 25_000, maxMessageBytes: 65_536, notices: 'all' },
    },
    'sys.arrived': {
      data: Arrival,
      dataIs: 'optional',
      sender: 'session',
      receiver: 'everyone',
      ref: 'never',
      when: 'A session connected; `sender` is its id. Comes before any message of that session, where arrival notices are on.',
      example: { user: 'ann' },
    },
    'sys.departed': {
      data: Departure,
      dataIs: 'present',
      sender: 'session',
      receiver: 'everyone',
      ref: 'never',
      when: 'A session ended; `sender` is its id. Comes exactly once, after the last message of that session.',
      example: { code: 1006 },
    },
    'sys.ack': {
      data: Ack,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'always',
      when: 'Your message with an `id` had its effect.',
      example: { status: 'routed' },
    },
    'sys.error': {
      data: ErrorData,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'where there was an id',
      when: 'Your message had no effect, or a handler failed. The connection stays open.',
      example: { code: 'receiver_not_found', message: 'No session has this id.' },
    },
    'sys.sessions': {
      data: SessionPage,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'where there was an id',
      when: 'Answers `sys.who` instead of `sys.ack`; your own session is included.',
      example: { sessions: [A_SESSION], total: 1 },
    },
    'sys.pong': {
      data: undefined,
      dataIs: 'optional',
      sender: 'server',
      receiver: 'you',
      ref: 'where there was an id',
      when: 'Answers `sys.ping` instead of `sys.ack`, with the same `data`.',
      example: 'anybody there?',
    },
    'sys.reconnect': {
      data: Reconnect,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'never',
      when: 'The node drains: reconnect after `afterMs`. Comes before close code 1012.',
      example: { afterMs: 1830 },
    },
  };

/** Describes one `sys.` request of a client. */
export interface SystemRequestType {
  readonly data: (new () => object) | undefined;
  readonly dataIs: 'optional' | 'present';
  readonly answer: keyof ServerMessageMap;
  readonly when: string;
  readonly example: unknown;
}

/** Every `sys.` type that a client may send; any other is `reserved_type`. */
export const SYSTEM_REQUESTS = {
  'sys.who': {
    data: WhoDto,
    dataIs: 'optional',
    answer: 'sys.sessions',
    when: 'Lists the connected sessions, one page at a time.',
    example: { limit: 50 },
  },
  'sys.ping': {
    data: undefined,
    dataIs: 'optional',
    answer: 'sys.pong',
    when: 'Checks the connection; for browser code, which cannot send ping frames.',
    example: 'anybody there?',
  },
  'sys.auth': {
    data: AuthDto,
    dataIs: 'present',
    answer: 'sys.ack',
    when: 'Renews the token before it expires; the session keeps its id.',
    example: { token: 'eyJhbGciOiJFZERTQSJ9…' },
  },
} as const satisfies Record<string, SystemRequestType>;
