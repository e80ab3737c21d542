import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Backplane } from '../../cluster/backplane.js';
import { NO_RETURN_REASONS, type NoReturnReason } from '../../protocol/index.js';
import type { Identity } from '../../sessions/identity.js';
import { Counters } from '../../telemetry/counters.js';
import { Log } from '../../telemetry/log.js';
import { ClientAddress, rateLimitKey } from '../handshake/client-address.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { unavailable, type RemoteOffer } from '../resume/return-offers.js';
import { NodeAddress } from './node-address.js';
import { NodeSlots } from './node-slots.js';
import { dialPipe, type Dialed, type PipeTls } from './pipe-dialer.js';
import { pipedRequest } from './piped-request.js';
import { RESUME, returnAnswerOf, type ReturnRequest } from './return-wire.js';

/** A client that returns to a session of another node. */
export interface RemoteReturn {
  readonly offer: RemoteOffer;
  readonly identity: Identity;
  readonly request: IncomingMessage;
}

/** The reason why a client does not return to its session and gets a new one. */
export interface NoReturn {
  readonly noReturn: NoReturnReason;
}

/** The outcome of a return: a connection to the node of the session, the reason why the session is gone, or a rejection. */
export type RemoteReturnResult = Dialed | NoReturn | HandshakeRejection;

/**
 * Finds the sessions of clients that return by way of this node and belong to another node.
 *
 *   client ──▶ path, address, origin, token ──▶ RPC to the node of the session ──▶ its pass ──▶ connection to that node
 *                                               └▶ no such session: a new one on this node
 */
@Injectable()
export class RemoteReturns {
  readonly #slots = new NodeSlots();

  constructor(
    private readonly backplane: Backplane,
    private readonly nodeAddress: NodeAddress,
    private readonly addresses: ClientAddress,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /** Asks the node of a session, and connects to it where it has the session. */
  async find(client: RemoteReturn): Promise<RemoteReturnResult> {
    const found = await this.#find(client);
    const outcome = outcomeOf(found);
    this.counters.count(this.counters.remoteReturns, outcome);
    if (this.log.debugs)
      this.log.debug('remote return', { outcome, part: client.offer.nodeId, address: client.identity.address });
    return found;
  }

  async #find(client: RemoteReturn): Promise<RemoteReturnResult> {
    const { nodeId } = client.offer;
    if (this.backplane.standingOf(nodeId) === 'uncertain')
      return unavailable('this node does not know all nodes of the cluster yet');
    const key = rateLimitKey(client.identity.address);
    const found = await this.#slots.run(nodeId, key, () => this.#ask(client));
    if (found !== undefined && !('code' in found)) return found;
    // The node may have been declared dead meanwhile.
    if (this.backplane.standingOf(nodeId) === 'gone') return { noReturn: 'node_lost' };
    return found ?? unavailable('too many clients of this address, or of all, return to the node of the session');
  }

  async #ask(client: RemoteReturn): Promise<RemoteReturnResult> {
    const { nodeId, token, frames } = client.offer;
    const body: ReturnRequest = { kind: RESUME, token, frames, identity: client.identity };
    const result = await this.backplane.rpc(nodeId, body);
    const answer = typeof result === 'string' ? undefined : returnAnswerOf(result.reply);
    if (answer === undefined) return unavailable('the node of the session does not answer');
    if ('reason' in answer) return { noReturn: knownReason(answer.reason) };
    if ('unavailable' in answer) return unavailable(answer.unavailable);
    const { pass, addresses, fingerprints } = answer;
    const tls = fingerprints && { fingerprints, ...this.nodeAddress.certificate };
    return this.#dial(nodeId, addresses, tls, this.#piped(client, pass));
  }

  /** Tries the addresses of a node one after the other. */
  async #dial(
    nodeId: string,
    addresses: readonly string[],
    tls: PipeTls | undefined,
    request: Buffer,
  ): Promise<Dialed | HandshakeRejection> {
    const own = this.nodeAddress.all;
    const failures: string[] = [];
    for (const address of addresses) {
      try {
        // Nodes on different machines may have the same path or the same loopback address.
        if (own.includes(address)) throw new Error('is an address of this node');
        return await dialPipe(address, tls, request);
      } catch (error) {
        failures.push(`${address}: ${(error as Error).message}`);
      }
    }
    this.log.warn(
      'cannot connect to the node of a session; set its NODE_ADDRESS to an address that this node reaches',
      {
        part: nodeId,
        reason: failures.join('; '),
      },
    );
    return unavailable('the node of the session cannot be connected to');
  }

  #piped({ request, identity }: RemoteReturn, pass: string): Buffer {
    const { addresses } = this;
    return pipedRequest(request, pass, {
      address: identity.address,
      isSecure: addresses.isSecure(request),
      hasCertificate: addresses.certificateSubject(request) !== undefined,
    });
  }
}

function outcomeOf(found: RemoteReturnResult): 'piped' | 'no_return' | 'unavailable' {
  if ('socket' in found) return 'piped';
  return 'noReturn' in found ? 'no_return' : 'unavailable';
}

/** Returns a reason that this version knows. */
function knownReason(reason: string): NoReturnReason {
  return NO_RETURN_REASONS.find((known) => known === reason) ?? 'unknown';
}
