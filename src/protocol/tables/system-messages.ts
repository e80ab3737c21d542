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
  Seen,
  SessionPage,
  Undelivered,
} from './server-data.js';
import { Welcome } from './welcome-data.js';

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
  'sys.away': undefined;
  'sys.back': undefined;
  'sys.seen': Seen;
  'sys.undelivered': Undelivered;
}

/** Describes one message type of the server. */
export interface ServerMessageType<Data> {
  /** The class of `data`; `undefined` for any JSON value, and for none. */
  readonly data: unknown extends Data
    ? undefined
    : [Data] extends [undefined]
      ? undefined
      : new () => Exclude<Data, undefined>;
  /** Whether `data` may be absent; `none` where the message has no `data`. */
  readonly dataIs: unknown extends Data
    ? 'optional'
    : [Data] extends [undefined]
      ? 'none'
      : undefined extends Data
        ? 'optional'
        : 'present';
  readonly sender: 'server' | 'session';
  /** `you` is your session id, `everyone` is `*`, and `room` is `#` and the name of a room. */
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
      when: 'Answers `sys.who` without a receiver, or with a user, instead of `sys.ack`; your own session is included.',
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
      when: 'Answers `sys.join`, and `sys.who` with a room, instead of `sys.ack`; your own session is included. Also sent, without `ref`, when server code puts you into a room.',
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
      when: 'The number of members of a large room changed. Replaces `sys.joined` and `sys.left` above the limit of members, and comes at most once a second.',
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
      when: 'You read too slowly or were away, and missed messages at this place of what you are sent. Comes as soon as you read again.',
      example: { messages: 3, notices: 0 },
    },
    'sys.away': {
      data: undefined,
      dataIs: 'none',
      sender: 'session',
      receiver: 'everyone',
      ref: 'never',
      when: 'A session lost its connection some time ago and may come back; `sender` is its id. Sent to those who get the departure of the session.',
      example: undefined,
    },
    'sys.back': {
      data: undefined,
      dataIs: 'none',
      sender: 'session',
      receiver: 'everyone',
      ref: 'never',
      when: 'A session of which you got `sys.away` has come back; `sender` is its id.',
      example: undefined,
    },
    'sys.seen': {
      data: Seen,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'never',
      when: 'Reports how many of your text frames the server has received, where your session may come back. Forget those.',
      example: { frames: 412 },
    },
    'sys.undelivered': {
      data: Undelivered,
      dataIs: 'present',
      sender: 'server',
      receiver: 'you',
      ref: 'always',
      when: 'The receiver of your message, which was `routed` or `held`, ended without having seen it.',
      example: { receiver: A_SESSION },
    },
  };
