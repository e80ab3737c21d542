import { Injectable } from '@nestjs/common';
import { LocalNode } from '../../messaging/local-node.js';
import { NodeState } from '../../node/node-state.js';
import { Resumptions } from '../../resume/resumptions.js';
import { NodeAddress } from './node-address.js';
import { Passes } from './passes.js';
import { RETURN_RPC, returnRequestOf, type ReturnAnswer, type ReturnRequest } from './return-wire.js';

const DRAINING: ReturnAnswer = { unavailable: 'the node of the session is leaving' };
const TOO_MANY: ReturnAnswer = { unavailable: 'too many clients return to the node of the session' };

/**
 * Answers the nodes whose clients return to sessions of this node. Checks the token and gives a pass. The session stays as it
 * is until the client has shown the pass on its new connection.
 */
@Injectable()
export class ReturnRequests {
  constructor(
    localNode: LocalNode,
    private readonly resumptions: Resumptions,
    private readonly passes: Passes,
    private readonly nodeAddress: NodeAddress,
    private readonly nodeState: NodeState,
  ) {
    localNode.registerRpc(RETURN_RPC, async (body) => this.#answer(requestOf(body)));
  }

  #answer(request: ReturnRequest): ReturnAnswer {
    const { token, frames, identity } = request;
    const decision = this.resumptions.decide({ token, frames }, identity.user);
    if (!('session' in decision)) return { reason: decision.reason ?? 'unknown' };
    if (this.nodeState.phase === 'draining') return DRAINING;
    const pass = this.passes.give({ request, secret: decision.resumption.secret });
    if (pass === undefined) return TOO_MANY;
    const { all: addresses, fingerprints } = this.nodeAddress;
    return { pass, addresses, ...(fingerprints !== undefined && { fingerprints }) };
  }
}

/** @throws {Error} for what is not a request, which a node of another version may send */
function requestOf(body: unknown): ReturnRequest {
  const request = returnRequestOf(body);
  if (request === undefined) throw new Error('the RPC of another node does not ask for a return');
  return request;
}
