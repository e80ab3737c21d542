import { AuthDto, WhoDto } from './client-data.js';
import { Ack, Arrival, Departure, Reconnect, ErrorData, SessionPage, Welcome } from './server-data.js';

/** What the server says by itself, and the `data` of each. */
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

/** One word of the server: whose name it bears, whom it goes to, what it holds. */
export interface ServerMessageType<Data> {
  /** The class of its `data`; any JSON value where there is none. */
  readonly data: unknown extends Data ? undefined : new () => Exclude<Data, undefined>;
  /** Whether `data` is always there. */
  readonly dataIs: undefined extends Data ? 'optional' : 'present';
  readonly sender: 'server' | 'session';
  readonly receiver: 'you' | 'everyone';
  /** Whether it bears the `id` of what it answers as `ref`: always, where there was one that could be read, or never. */
  readonly ref: 'always' | 'where there was an id' | 'never';
  readonly when: string;
  readonly example: Data;
}

const A_SESSION = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

/** Every word of the server. The type ties each class here to what the client's types say. */
export const SERVER_MESSAGES: { readonly [Word in keyof ServerMessageMap]: ServerMessageType<ServerMessageMap[Word]> } =
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
      when: 'A session has come; `sender` is its id. Before any message of it, where arrival notices are on.',
      example: { user: 'ann' },
    },
    'sys.departed': {
      data: Departure,
      dataIs: 'present',
      sender: 'session',
      receiver: 'everyone',
      ref: 'never',
      when: 'A session has left; `sender` is its id. Exactly once, after its last message.',
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
      when: 'Answers `sys.who`, in place of `sys.ack`; yourself included.',
      example: { sessions: [A_SESSION], total: 1 },
    },
    'sys.pong': {
      data: undefined,
      dataIs: 'optional',
      sender: 'server',
      receiver: 'you',
      ref: 'where there was an id',
      when: 'Answers `sys.ping`, in place of `sys.ack`, with its `data`.',
      example: 'anybody there?',
    },
    'sys.reconnect': {
      data: Reconnect,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'never',
      when: 'The node is about to leave: come again after `afterMs`. Before close code 1012.',
      example: { afterMs: 1830 },
    },
  };

/** One word of the server's that a client may say. */
export interface SystemRequestType {
  readonly data: (new () => object) | undefined;
  readonly dataIs: 'optional' | 'present';
  readonly answer: keyof ServerMessageMap;
  readonly when: string;
  readonly example: unknown;
}

/** Every `sys.` word that a client may say; any other is `reserved_type`. */
export const SYSTEM_REQUESTS = {
  'sys.who': {
    data: WhoDto,
    dataIs: 'optional',
    answer: 'sys.sessions',
    when: 'Asks who is here, a page at a time.',
    example: { limit: 50 },
  },
  'sys.ping': {
    data: undefined,
    dataIs: 'optional',
    answer: 'sys.pong',
    when: 'Asks for a sign of life, for browser code, which cannot see ping frames.',
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
