import type { ErrorDetails } from './tables/errors.js';
import { textFrame, type Frame } from './frame.js';
import { SESSION_ID_CHARACTERS } from './identifiers.js';
import { EVERYONE, SERVER } from './tables/limits.js';
import type { Ack, SessionPage, Welcome } from './tables/server-data.js';

/** Makes the welcomes of one process, which differ in nothing but the session's id: that is written into a copy. */
export function welcomeFrames(welcome: Welcome): (session: string) => Frame {
  const nobody = '?'.repeat(SESSION_ID_CHARACTERS);
  const pattern = encode('sys.welcome', SERVER, nobody, undefined, JSON.stringify(welcome));
  const at = pattern.indexOf(nobody);
  return (session) => {
    const frame = Buffer.from(pattern);
    frame.write(session, at, 'latin1');
    return frame as Frame;
  };
}

export function arrivedFrame(session: string, user?: string): Frame {
  return encode('sys.arrived', session, EVERYONE, undefined, user === undefined ? undefined : JSON.stringify({ user }));
}

/** @param code the server's close code if it closed, else the client's; 1005 for an empty close frame, 1006 for a cut */
export function departedFrame(session: string, code: number): Frame {
  return encode('sys.departed', session, EVERYONE, undefined, `{"code":${code}}`);
}

/** @param skipped receivers that a broadcast passed over because they read too slowly */
export function ackFrame(receiver: string, ref: string, status: Ack['status'], skipped = 0): Frame {
  const data = skipped > 0 ? `{"status":"${status}","skipped":${skipped}}` : `{"status":"${status}"}`;
  return encode('sys.ack', SERVER, receiver, ref, data);
}

/** @param afterMs when to come again, counted from this notice */
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

/** @param data the raw JSON text of the ping's `data`, sent back unchanged */
export function pongFrame(receiver: string, ref: string | undefined, data: string | undefined): Frame {
  return encode('sys.pong', SERVER, receiver, ref, data);
}

/** An application message from the server: what a handler answers. `data` is raw JSON text. */
export function answerFrame(type: string, receiver: string, ref: string | undefined, data: string | undefined): Frame {
  return encode(type, SERVER, receiver, ref, data);
}

/** `type`, `sender` and `receiver` are known to need no escapes; `ref` is a client's and `data` is raw JSON text. */
function encode(
  type: string,
  sender: string,
  receiver: string,
  ref: string | undefined,
  data: string | undefined,
): Frame {
  const refPart = ref === undefined ? '' : `,"ref":${JSON.stringify(ref)}`;
  const dataPart = data === undefined ? '' : `,"data":${data}`;
  return textFrame(`{"type":"${type}","sender":"${sender}","receiver":"${receiver}"${refPart}${dataPart}}`);
}
