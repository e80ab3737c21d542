import { AuthDto, SeenDto, WhoDto } from './client-data.js';
import type { ServerMessageMap } from './system-messages.js';

/** Describes one `sys.` request of a client. */
export interface SystemRequestType {
  /** The class of `data`; `undefined` for any JSON value. */
  readonly data: (new () => object) | undefined;
  /** Whether `data` may be absent; `none` where the request has no `data`. */
  readonly dataIs: 'none' | 'optional' | 'present';
  /** The kind of `receiver`; `none` where the server ignores the receiver. */
  readonly receiver: 'none' | 'room' | 'user' | 'none, room or user';
  /** The types that may answer the request, besides `sys.error`. */
  readonly answers: readonly (keyof ServerMessageMap)[];
  readonly when: string;
  /** Examples of `data` and `receiver`. */
  readonly examples: readonly SystemRequestExample[];
}

export interface SystemRequestExample {
  readonly name?: string;
  readonly receiver?: string;
  readonly data?: unknown;
}

const WITH_ROOM: readonly SystemRequestExample[] = [{ receiver: '#garden' }];
const WITH_USER: readonly SystemRequestExample[] = [{ receiver: '@ann' }];

/** Every `sys.` type that a client may send; any other is `reserved_type`. */
export const SYSTEM_REQUESTS = {
  'sys.who': {
    data: WhoDto,
    dataIs: 'optional',
    receiver: 'none, room or user',
    answers: ['sys.sessions', 'sys.members'],
    when: 'Lists the connected sessions, one page at a time. With a user as `receiver` lists the sessions of that user; with a room the members of that room, answered by `sys.members`.',
    examples: [
      { name: 'all sessions', data: { limit: 50 } },
      { name: 'the sessions of a user', receiver: '@ann' },
      { name: 'the members of a room', receiver: '#garden', data: { limit: 50 } },
    ],
  },
  'sys.ping': {
    data: undefined,
    dataIs: 'optional',
    receiver: 'none',
    answers: ['sys.pong'],
    when: 'Checks the connection; for browser code, which cannot send ping frames.',
    examples: [{ data: 'anybody there?' }],
  },
  'sys.auth': {
    data: AuthDto,
    dataIs: 'present',
    receiver: 'none',
    answers: ['sys.ack'],
    when: 'Renews the token before it expires; the session keeps its id. Rooms and watches that the new token does not allow end.',
    examples: [{ data: { token: 'eyJhbGciOiJFZERTQSJ9…' } }],
  },
  'sys.join': {
    data: undefined,
    dataIs: 'none',
    receiver: 'room',
    answers: ['sys.members'],
    when: 'Makes you a member of a room. Joining twice gets the same answer.',
    examples: WITH_ROOM,
  },
  'sys.leave': {
    data: undefined,
    dataIs: 'none',
    receiver: 'room',
    answers: ['sys.ack'],
    when: 'Ends your membership of a room. Gets the same answer where you are no member.',
    examples: WITH_ROOM,
  },
  'sys.watch': {
    data: undefined,
    dataIs: 'none',
    receiver: 'user',
    answers: ['sys.presence'],
    when: 'Reports whether a user is online, now and each time the user comes online or goes offline.',
    examples: WITH_USER,
  },
  'sys.unwatch': {
    data: undefined,
    dataIs: 'none',
    receiver: 'user',
    answers: ['sys.ack'],
    when: 'Ends the reports of `sys.watch`. Gets the same answer where you do not watch the user.',
    examples: WITH_USER,
  },
  'sys.seen': {
    data: SeenDto,
    dataIs: 'present',
    receiver: 'none',
    answers: [],
    when: 'Reports how many text frames of the server you have received, where your session may come back. Never answered and not charged to rates. Send it at the latest after 64 frames, 64 KiB or 5 seconds with something new.',
    examples: [{ data: { frames: 412 } }],
  },
} as const satisfies Record<string, SystemRequestType>;
