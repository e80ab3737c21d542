import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Backplane } from '../../cluster/backplane.js';
import { NodeIdentity } from '../../node/node-identity.js';
import { RESUME } from '../../protocol/index.js';
import { readResumeToken } from '../../resume/resume-token.js';
import { Resumptions, type ResumeDecision, type ResumeOffer, type Return } from '../../resume/resumptions.js';
import type { Identity } from '../../sessions/identity.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { PASS_HEADER, Passes } from './passes.js';
import type { ReturnRequest } from './return-wire.js';

/** The header of clients that can set headers, in lower case as Node has it. */
const RESUME_HEADER = 'switchboard-resume';
/** The offer of a client that has no session yet. */
const NEW = 'new';
/** A token and the number of text frames that the client has received. */
const TOKEN_AND_FRAMES = /^([A-Za-z0-9_-]{1,128})\.(\d{1,15})$/;

/** Stands for an offer that has no valid form. */
export const MALFORMED_OFFER = 'malformed';

/** `Retry-After` where a session cannot be reached now. */
const RETRY_AFTER_SECONDS = 2;
/** Milliseconds after which a pass is late: its client may have given the connection up, and returned on another one. */
const PROMPT_MS = 1000;
const NO_SUCH_PASS: HandshakeRejection = { code: 'bad_handshake', message: 'Switchboard-Pass is unknown.' };

/** A client that this node has identified, and whose session is on another node. */
export interface RemoteReturn extends ReturnRequest {
  readonly nodeId: string;
}

/** Rejects a return with `unavailable`, so that the client keeps its token. @param reason for the log */
export function unavailable(reason: string): HandshakeRejection {
  return { code: 'unavailable', headers: { 'Retry-After': RETRY_AFTER_SECONDS }, reason };
}

/** Reads and decides the offers of clients that want a session which outlives its connection. */
@Injectable()
export class ReturnOffers {
  constructor(
    private readonly resumptions: Resumptions,
    private readonly passes: Passes,
    private readonly nodeIdentity: NodeIdentity,
    private readonly backplane: Backplane,
  ) {}

  /**
   * Decides the offer of a client; `undefined` where the client makes no offer. Another node must be asked about a session of its own,
   * unless that node is known to be gone.
   */
  decide(request: IncomingMessage, identity: Identity): ResumeDecision | RemoteReturn | undefined {
    if (!this.resumptions.isOn) return undefined;
    const offer = readResumeOffer(request);
    if (offer === undefined || offer === MALFORMED_OFFER) return undefined;
    const nodeId = offer === NEW ? undefined : readResumeToken(offer.token)?.nodeId;
    if (offer === NEW || nodeId === undefined || this.nodeIdentity.isOwn(nodeId))
      return this.resumptions.decide(offer, identity.user);
    const standing = this.backplane.standingOf(nodeId);
    if (standing === 'gone') return { reason: 'node_lost' };
    return standing === 'unseen' ? { reason: 'unknown' } : { nodeId, ...offer, identity };
  }

  /** Returns whether a client offers the token of a session, which {@link decide} checks later. */
  mayReturn(request: IncomingMessage): boolean {
    const offer = this.resumptions.isOn ? readResumeOffer(request) : undefined;
    return typeof offer === 'object';
  }

  /** Returns whether another node has sent a request. */
  hasPass({ headers }: IncomingMessage): boolean {
    return headers[PASS_HEADER] !== undefined;
  }

  /** Takes the pass of another node, which stands for all checks of a client. Each pass is good once. */
  takePass({
    headers,
  }: IncomingMessage): { readonly identity: Identity; readonly resume: Return } | HandshakeRejection {
    const granted = this.passes.take(String(headers[PASS_HEADER]));
    if (granted === undefined) return NO_SUCH_PASS;
    const { identity, ...offer } = granted.request;
    const resume = this.resumptions.decide(offer, identity.user);
    if (!('session' in resume)) return unavailable('the session has ended since the pass was given');
    // The token of the pass may still be good. Of connections that come at once any may win, but not one that comes late.
    if (granted.ageMs > PROMPT_MS && resume.resumption.secret !== granted.secret)
      return unavailable('the client has returned on a later connection since the pass was given');
    return { identity, resume };
  }
}

/**
 * Reads what a handshake offers: the subprotocol `resume` or `resume.TOKEN.FRAMES`, or the header `Switchboard-Resume` with
 * `new` or `TOKEN.FRAMES`. Returns `undefined` without an offer, and {@link MALFORMED_OFFER} where there are several.
 */
export function readResumeOffer({ headers }: IncomingMessage): ResumeOffer | typeof MALFORMED_OFFER | undefined {
  const header = headers[RESUME_HEADER];
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
