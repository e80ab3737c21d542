import { Injectable } from '@nestjs/common';
import { Backplane } from '../../cluster/backplane.js';
import { NO_RETURN_REASONS, type NoReturnReason } from '../../protocol/index.js';
import { Counters } from '../../telemetry/counters.js';
import { Log } from '../../telemetry/log.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { NodeAddress } from './node-address.js';
import { NodeSlots } from './node-slots.js';
import { dialPipe, NodeUnavailable, type Dialed, type PipeTls } from './pipe-dialer.js';
import { unavailable, type RemoteReturn } from './return-offers.js';
import { RETURN_RPC, returnAnswerOf } from './return-wire.js';

/** The connection to the node of a session, the reason why a client gets a new session, or a rejection. */
type Found = Dialed | { readonly reason: NoReturnReason } | HandshakeRejection;

/**
 * Connects clients to the nodes of their sessions. Node B is the node that a client has reached, and node A has its session.
 *
 *   client ──▶ B: path, address, origin, token ──▶ RPC to A ──▶ its pass ──▶ connection to A with the pass ──▶ pipe
 *                                                  └▶ no such session: a new one on B
 *
 * These are the names on that way:
 *
 *   RemoteReturn    the client of B: its offer, its identity and the node of its session    ReturnOffers of B
 *   ReturnRequest   the offer and the identity, which B sends to A                          RemoteReturns of B
 *   pass            stands for the request on the new connection                            Passes of A
 *   ReturnAnswer    the pass and the addresses of A, or why there is no pass                ReturnRequests of A
 *   Dialed          the connection of B to A, once A has taken the pass back                dialPipe of B
 *   pipe            the connections of the client to B, and of B to A                       Pipes of B
 *
 * A return to a session of the same node is a `Return` of `Resumptions`. A takes up the piped client with one, too.
 */
@Injectable()
export class RemoteReturns {
  readonly #slots = new NodeSlots();

  constructor(
    private readonly backplane: Backplane,
    private readonly nodeAddress: NodeAddress,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /**
   * Asks the node of a session, and connects to it where it has the session.
   *
   * @param limitKey the address by which returns are limited
   * @param requestWith makes the request of the new connection, with a pass
   */
  async find(client: RemoteReturn, limitKey: string, requestWith: (pass: string) => Buffer): Promise<Found> {
    const found = await this.#find(client, limitKey, requestWith);
    const outcome = outcomeOf(found);
    this.counters.count(this.counters.remoteReturns, outcome);
    if (this.log.debugs)
      this.log.debug('remote return', { outcome, part: client.nodeId, address: client.identity.address });
    return found;
  }

  async #find(client: RemoteReturn, limitKey: string, requestWith: (pass: string) => Buffer): Promise<Found> {
    const { nodeId } = client;
    if (this.backplane.standingOf(nodeId) === 'uncertain')
      return unavailable('this node does not know all nodes of the cluster yet');
    const found = await this.#slots.run(nodeId, limitKey, () => this.#ask(client, requestWith));
    if (found !== undefined && !('code' in found)) return found;
    // The node may have been declared dead meanwhile.
    if (this.backplane.standingOf(nodeId) === 'gone') return { reason: 'node_lost' };
    return found ?? unavailable('too many clients of this address, or of all, return to the node of the session');
  }

  async #ask({ nodeId, ...request }: RemoteReturn, requestWith: (pass: string) => Buffer): Promise<Found> {
    const result = await this.backplane.rpc(nodeId, { kind: RETURN_RPC, ...request });
    const answer = typeof result === 'string' ? undefined : returnAnswerOf(result.reply);
    if (answer === undefined) return unavailable('the node of the session does not answer');
    if ('reason' in answer) return { reason: knownReason(answer.reason) };
    if ('unavailable' in answer) return unavailable(answer.unavailable);
    const { pass, addresses, fingerprints } = answer;
    const tls = fingerprints && { fingerprints, ...this.nodeAddress.certificate };
    return this.#dial(nodeId, addresses, tls, requestWith(pass));
  }

  /** Tries the addresses of a node one after the other, until the node itself has answered. Each pass is good once. */
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
        if (error instanceof NodeUnavailable) return unavailable(error.message);
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
}

function outcomeOf(found: Found): 'piped' | 'no_return' | 'unavailable' {
  if ('socket' in found) return 'piped';
  return 'code' in found ? 'unavailable' : 'no_return';
}

/** Returns a reason that this version knows. */
function knownReason(reason: string): NoReturnReason {
  return NO_RETURN_REASONS.find((known) => known === reason) ?? 'unknown';
}
