import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Backplane } from '../../cluster/backplane.js';
import { NodeIdentity } from '../../node/node-identity.js';
import { readResumeToken } from '../../resume/resume-token.js';
import { Resumptions, type ResumeDecision, type Return } from '../../resume/resumptions.js';
import type { Identity } from '../../sessions/identity.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { PASS_HEADER, Passes } from './passes.js';
import { MALFORMED_OFFER, readResumeOffer } from './resume-offer.js';

/** `Retry-After` where a session cannot be reached now. */
const RETRY_AFTER_SECONDS = 2;
const NO_SUCH_PASS: HandshakeRejection = { code: 'bad_handshake', message: 'Switchboard-Pass is unknown.' };

/** An offer to return to a session of another node. */
export interface RemoteOffer {
  readonly nodeId: string;
  readonly token: string;
  /** Frames that the client has received. */
  readonly frames: number;
}

/** A client that returns by way of another node, which has admitted it. */
export interface PipedClient {
  readonly identity: Identity;
  readonly resume: Return;
  readonly isPiped: true;
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
  decide(request: IncomingMessage, user: string | undefined): ResumeDecision | RemoteOffer | undefined {
    if (!this.resumptions.isOn) return undefined;
    const offer = readResumeOffer(request);
    if (offer === undefined || offer === MALFORMED_OFFER) return undefined;
    const nodeId = offer === 'new' ? undefined : readResumeToken(offer.token)?.nodeId;
    if (offer === 'new' || nodeId === undefined || this.nodeIdentity.isOwn(nodeId))
      return this.resumptions.decide(offer, user);
    const standing = this.backplane.standingOf(nodeId);
    if (standing === 'gone') return { reason: 'node_lost' };
    return standing === 'unseen' ? { reason: 'unknown' } : { nodeId, ...offer };
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

  /** Admits a client by the pass of another node, which stands for all checks. Each pass is good once. */
  admitByPass({ headers }: IncomingMessage): PipedClient | HandshakeRejection {
    const piped = this.passes.take(String(headers[PASS_HEADER]));
    if (piped === undefined) return NO_SUCH_PASS;
    const { token, frames, identity } = piped;
    const resume = this.resumptions.decide({ token, frames }, identity.user);
    if (!('session' in resume)) return unavailable('the session has ended since the pass was given');
    return { identity, resume, isPiped: true };
  }
}
