import type { ErrorDetails } from './tables/errors.js';
import { textFrame, type Frame } from './frame.js';
import { SESSION_ID_CHARACTERS } from './identifiers.js';
import { EVERYONE, ROOM_PREFIX, SERVER } from './tables/limits.js';
import type { Ack, Gap, MembersPage, Presence, SessionPage } from './tables/server-data.js';
import type { Welcome } from './tables/welcome-data.js';

/**
 * Returns a maker of `sys.welcome` frames. They differ in the session id only, which is written into a copy of one
 * frame.
 */
export function welcomeFrames(welcome: Welcome): (session: string) => Frame {
  const placeholder = '?'.repeat(SESSION_ID_CHARACTERS);
  const template = encode('sys.welcome', SERVER, placeholder, undefined, JSON.stringify(welcome));
  const at = template.indexOf(placeholder);
  return (session) => {
    const frame = Buffer.allocUnsafe(template.length);
    frame.set(template);
    for (let index = 0; index < session.length; index++) frame[at + index] = session.charCodeAt(index); // ASCII
    return frame as Frame;
  };
}

/** Makes the welcome of a client that wants its session to outlive a connection. */
export function welcomeFrame(session: string, welcome: Welcome): Frame {
  return encode('sys.welcome', SERVER, session, undefined, JSON.stringify(welcome));
}

export function arrivedFrame(session: string, user?: string): Frame {
  return encode('sys.arrived', session, EVERYONE, undefined, user === undefined ? undefined : JSON.stringify({ user }));
}

/**
 * @param code the server's close code if it closed, else the client's; 1005 for an empty close frame, 1006 for a cut
 */
export function departedFrame(session: string, code: number): Frame {
  return encode('sys.departed', session, EVERYONE, undefined, `{"code":${code}}`);
}

/** @param skipped receivers that a broadcast skipped because they read too slowly */
export function ackFrame(receiver: string, ref: string, status: Ack['status'], skipped = 0): Frame {
  const data = skipped > 0 ? `{"status":"${status}","skipped":${skipped}}` : `{"status":"${status}"}`;
  return encode('sys.ack', SERVER, receiver, ref, data);
}

/**
 * Acknowledges a message to a user.
 *
 * @param sessions sessions on whose connections the message was put
 * @param held sessions that are away, for which the message is kept
 */
export function userAckFrame(receiver: string, ref: string, sessions: number, held = 0): Frame {
  const status: Ack['status'] = sessions === 0 && held > 0 ? 'held' : 'routed';
  const heldField = held > 0 ? `,"held":${held}` : '';
  return encode('sys.ack', SERVER, receiver, ref, `{"status":"${status}","sessions":${sessions}${heldField}}`);
}

/** @param afterMs milliseconds from this notice until the client should reconnect */
export function reconnectFrame(receiver: string, afterMs: number): Frame {
  return encode('sys.reconnect', SERVER, receiver, undefined, `{"afterMs":${afterMs}}`);
}

export function errorFrame(
  receiver: string,
  code: string,
  message: string,
  ref: string | undefined,
  details: ErrorDetails,
): Frame {
  return encode('sys.error', SERVER, receiver, ref, JSON.stringify({ code, message, ...details }));
}

export function sessionsFrame(receiver: string, ref: string | undefined, page: SessionPage): Frame {
  return encode('sys.sessions', SERVER, receiver, ref, JSON.stringify(page));
}

export function membersFrame(receiver: string, ref: string | undefined, page: MembersPage): Frame {
  return encode('sys.members', SERVER, receiver, ref, JSON.stringify(page));
}

/** @param room name without `#` @param user of the session, where the operator shows users */
export function joinedFrame(session: string, room: string, user?: string): Frame {
  return encode('sys.joined', session, ROOM_PREFIX + room, undefined, JSON.stringify({ user }));
}

/** @param room name without `#` @param code close code, where the session ended */
export function leftFrame(session: string, room: string, code?: number): Frame {
  return encode('sys.left', session, ROOM_PREFIX + room, undefined, JSON.stringify({ code }));
}

/** @param room name without `#` */
export function roomFrame(room: string, total: number): Frame {
  return encode('sys.room', SERVER, ROOM_PREFIX + room, undefined, `{"room":"${room}","total":${total}}`);
}

export function presenceFrame(receiver: string, ref: string | undefined, presence: Presence): Frame {
  return encode('sys.presence', SERVER, receiver, ref, JSON.stringify(presence));
}

export function gapFrame(receiver: string, { messages, notices }: Gap): Frame {
  return encode('sys.gap', SERVER, receiver, undefined, `{"messages":${messages},"notices":${notices}}`);
}

/** Notifies that a session is away. @param session its id */
export function awayFrame(session: string): Frame {
  return encode('sys.away', session, EVERYONE, undefined, undefined);
}

/** Notifies that a session has come back. @param session its id */
export function backFrame(session: string): Frame {
  return encode('sys.back', session, EVERYONE, undefined, undefined);
}

/** Reports the received text frames to a client. The frame itself is not counted; {@link isSeenFrame} knows it. */
export function seenFrame(receiver: string, frames: number): Frame {
  return encode('sys.seen', SERVER, receiver, undefined, `{"frames":${frames}}`);
}

/** Notifies a sender that the receiver of its message ended without having seen it. */
export function undeliveredFrame(sender: string, ref: string, receiver: string): Frame {
  return encode('sys.undelivered', SERVER, sender, ref, JSON.stringify({ receiver }));
}

/** The beginning of the payload of {@link seenFrame}, which no other message has. */
const SEEN_START = Buffer.from('{"type":"sys.seen"');

/** Returns whether a frame is a {@link seenFrame}. @param payloadAt where its payload begins */
export function isSeenFrame(bytes: Buffer, payloadAt: number): boolean {
  return SEEN_START.equals(bytes.subarray(payloadAt, payloadAt + SEEN_START.length));
}

/** @param data raw JSON text of the `data` of the ping */
export function pongFrame(receiver: string, ref: string | undefined, data: string | undefined): Frame {
  return encode('sys.pong', SERVER, receiver, ref, data);
}

/** Encodes the answer of a handler. @param data raw JSON text */
export function answerFrame(type: string, receiver: string, ref: string | undefined, data: string | undefined): Frame {
  return encode(type, SERVER, receiver, ref, data);
}

/** `type`, `sender` and `receiver` need no escapes; `ref` comes from a client and `data` is raw JSON text. */
function encode(
  type: string,
  sender: string,
  receiver: string,
  ref: string | undefined,
  data: string | undefined,
): Frame {
  const refField = ref === undefined ? '' : `,"ref":${JSON.stringify(ref)}`;
  const dataField = data === undefined ? '' : `,"data":${data}`;
  return textFrame(`{"type":"${type}","sender":"${sender}","receiver":"${receiver}"${refField}${dataField}}`);
}
