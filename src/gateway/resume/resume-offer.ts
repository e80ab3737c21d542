import type { IncomingMessage } from 'node:http';
import { RESUME } from '../../protocol/index.js';
import type { ResumeOffer } from '../../resume/resumptions.js';

/** The header of clients that can set headers, in lower case as Node has it. */
const HEADER = 'switchboard-resume';
/** The offer of a client that has no session yet. */
const NEW = 'new';
/** A token and the number of text frames that the client has received. */
const TOKEN_AND_FRAMES = /^([A-Za-z0-9_-]{1,128})\.(\d{1,15})$/;

/** Stands for an offer that has no valid form. */
export const MALFORMED_OFFER = 'malformed';

/**
 * Reads what a handshake offers: the subprotocol `resume` or `resume.TOKEN.FRAMES`, or the header `Switchboard-Resume` with
 * `new` or `TOKEN.FRAMES`. Returns `undefined` without an offer, and {@link MALFORMED_OFFER} where there are several.
 */
export function readResumeOffer({ headers }: IncomingMessage): ResumeOffer | typeof MALFORMED_OFFER | undefined {
  const header = headers[HEADER];
  const protocols = headers['sec-websocket-protocol'];
  if (header === undefined && protocols?.includes(RESUME) !== true) return undefined; // nearly every request
  const offers = (protocols ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name === RESUME || name.startsWith(`${RESUME}.`))
    .map((name) => (name === RESUME ? NEW : returnOf(name.slice(RESUME.length + 1))));
  if (header !== undefined) offers.push(header === NEW ? NEW : returnOf(String(header)));
  return offers.length > 1 ? MALFORMED_OFFER : offers[0];
}

function returnOf(offer: string): ResumeOffer | typeof MALFORMED_OFFER {
  const [, token, frames] = TOKEN_AND_FRAMES.exec(offer) ?? [];
  return token === undefined ? MALFORMED_OFFER : { token, frames: Number(frames) };
}
