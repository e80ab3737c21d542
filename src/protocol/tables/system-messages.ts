import { AuthDto, WhoDto } from './client-data.js';
import {
  Ack,
  Arrival,
  Departure,
  ErrorData,
  Gap,
  Joined,
  Left,
  MembersPage,
  Presence,
  Reconnect,
  RoomTotal,
  SessionPage,
  Welcome,
} from './server-data.js';

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
  'sys.members': MembersPage;
  'sys.joined': Joined;
  'sys.left': Left;
  'sys.room': RoomTotal;
  'sys.presence': Presence;
  'sys.gap': Gap;
}

/** Describes one message type of the server. */
export interface ServerMessageType<Data> {
  /** The class of `data`; `undefined` for any JSON value. */
  readonly data: unknown extends Data ? undefined : new () => Exclude<Data, undefined>;
  /** Whether `data` may be absent. */
  readonly dataIs: undefined extends Data ? 'optional' : 'present';
  readonly sender: 'server' | 'session';
  readonly receiver: 'you' | 'everyone' | 'room';
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
    'sys.members': {
      data: MembersPage,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'where there was an id',
      when: 'Answers `sys.join`, and `sys.who` with a room, instead of `sys.ack`. Also sent, without `ref`, when server code puts you into a room.',
      example: { room: 'garden', sessions: [A_SESSION], total: 1 },
    },
    'sys.joined': {
      data: Joined,
      dataIs: 'present',
      sender: 'session',
      receiver: 'room',
      ref: 'never',
      when: 'A session joined a room of yours; `sender` is its id. Comes before any message of that session to the room.',
      example: { user: 'ann' },
    },
    'sys.left': {
      data: Left,
      dataIs: 'present',
      sender: 'session',
      receiver: 'room',
      ref: 'never',
      when: 'A session left a room of yours, or ended; `sender` is its id, also your own where server code took you out. Comes after the last message of that session to the room.',
      example: { code: 1006 },
    },
    'sys.room': {
      data: RoomTotal,
      dataIs: 'present',
      sender: 'server',
      receiver: 'room',
      ref: 'never',
      when: 'The number of members of a large room changed. Replaces `sys.joined` and `sys.left`, and comes at most once a second.',
      example: { room: 'garden', total: 1204 },
    },
    'sys.presence': {
      data: Presence,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'where there was an id',
      when: 'Answers `sys.watch` instead of `sys.ack`. Also sent, without `ref`, when the watched user comes online or goes offline.',
      example: { user: 'ann', online: true, sessions: 2 },
    },
    'sys.gap': {
      data: Gap,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'never',
      when: 'You read too slowly and missed messages at this place.',
      example: { messages: 3, notices: 0 },
    },
  };

/** Describes one `sys.` request of a client. */
export interface SystemRequestType {
  readonly data: (new () => object) | undefined;
  readonly dataIs: 'optional' | 'present';
  /** What the `receiver` names; `none` where the request has no receiver. */
  readonly receiver: 'none' | 'room' | 'user' | 'none, room or user';
  readonly answer: keyof ServerMessageMap;
  readonly when: string;
  readonly example: unknown;
}

/** Every `sys.` type that a client may send; any other is `reserved_type`. */
export const SYSTEM_REQUESTS = {
  'sys.who': {
    data: WhoDto,
    dataIs: 'optional',
    receiver: 'none, room or user',
    answer: 'sys.sessions',
    when: 'Lists the connected sessions, one page at a time. With a user as `receiver` lists the sessions of that user; with a room its members, answered by `sys.members`.',
    example: { limit: 50 },
  },
  'sys.ping': {
    data: undefined,
    dataIs: 'optional',
    receiver: 'none',
    answer: 'sys.pong',
    when: 'Checks the connection; for browser code, which cannot send ping frames.',
    example: 'anybody there?',
  },
  'sys.auth': {
    data: AuthDto,
    dataIs: 'present',
    receiver: 'none',
    answer: 'sys.ack',
    when: 'Renews the token before it expires; the session keeps its id.',
    example: { token: 'eyJhbGciOiJFZERTQSJ9…' },
  },
  'sys.join': {
    data: undefined,
    dataIs: 'optional',
    receiver: 'room',
    answer: 'sys.members',
    when: 'Makes you a member of a room. Joining twice gets the same answer.',
    example: undefined,
  },
  'sys.leave': {
    data: undefined,
    dataIs: 'optional',
    receiver: 'room',
    answer: 'sys.ack',
    when: 'Ends your membership of a room, also where you are no member.',
    example: undefined,
  },
  'sys.watch': {
    data: undefined,
    dataIs: 'optional',
    receiver: 'user',
    answer: 'sys.presence',
    when: 'Reports from now on when a user comes online or goes offline.',
    example: undefined,
  },
  'sys.unwatch': {
    data: undefined,
    dataIs: 'optional',
    receiver: 'user',
    answer: 'sys.ack',
    when: 'Ends the reports of `sys.watch`.',
    example: undefined,
  },
} as const satisfies Record<string, SystemRequestType>;
