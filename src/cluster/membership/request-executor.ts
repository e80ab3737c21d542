import type { Log } from '../../telemetry/log.js';
import { CLOSE_CODES } from '../../protocol/index.js';
import type { ClusterDelegate, GroupReceipt } from '../backplane.js';
import type { Clock } from '../clock.js';
import type { NodePublisher } from '../nats/node-publisher.js';
import type { Batch, Head, Request, RequestFailure, RpcRequest } from '../wire/node-message.js';
import type { JoinState } from './join-state.js';
import type { Member } from './member.js';

/** Closes a session in place of a code that only a newer version has. */
const KICKED = 4000;

/** Executes the batches and RPCs of other nodes on the sessions of this one. */
export class RequestExecutor {
  constructor(
    private readonly delegate: ClusterDelegate,
    private readonly state: JoinState,
    private readonly publisher: NodePublisher,
    private readonly log: Log,
    private readonly clock: Clock,
  ) {}

  /** Executes a batch. Refuses a batch whose receipt might come too late, or whose node is out of sync. */
  execute(member: Member, { sentAtMs }: Head, batch: Batch, reply: string): void {
    const isFresh = member.clock.maxAgeMs(sentAtMs, this.clock.now()) <= batch.maxAgeMs;
    if (!isFresh || !member.synced || !this.state.joined) return this.refuse(batch, reply);
    this.#answer(batch, reply, (request) => this.#execute(request));
  }

  /** Answers every request of a batch with `unavailable`. */
  refuse(batch: Batch, reply: string): void {
    this.#answer(batch, reply, () => 'unavailable');
  }

  /** Executes an RPC. */
  async call(nodeId: string, { number, detailsOf, body }: RpcRequest): Promise<void> {
    try {
      const reply = detailsOf === undefined ? await this.delegate.rpc(body) : this.delegate.sessionDetails(detailsOf);
      this.publisher.respond(nodeId, { kind: 'rpcResponse', number, reply });
    } catch (error) {
      this.log.error(error);
      this.publisher.respond(nodeId, { kind: 'rpcResponse', number, failure: 'unavailable' });
    }
  }

  #answer(
    { number, items }: Batch,
    reply: string,
    execute: (request: Request | undefined) => RequestFailure | GroupReceipt | undefined,
  ): void {
    const refused: [number, RequestFailure][] = [];
    const counts: [number, GroupReceipt][] = [];
    let index = 0;
    for (const request of items) {
      const outcome = execute(request);
      if (typeof outcome === 'string') refused.push([index, outcome]);
      else if (outcome !== undefined) counts.push([index, outcome]);
      index++;
    }
    this.publisher.receipt(reply, { kind: 'receipt', number, refused, ...(counts.length > 0 && { counts }) });
  }

  #execute(request: Request | undefined): RequestFailure | GroupReceipt | undefined {
    if (request === undefined) return 'unavailable';
    switch (request.type) {
      case 'message':
        return this.delegate.deliverLocal(request.sender, request.receiver, request.frame);
      case 'groupMessage':
        return this.delegate.deliverToGroup(request.sender, request.receiver, request.frame);
      case 'kick':
        return this.delegate.kick(request.receiver, knownCode(request.code)) ? undefined : 'receiver_not_found';
      default:
        return this.delegate.changeRoom(request.type, request.receiver, request.room);
    }
  }
}

function knownCode(code: number): number {
  return code in CLOSE_CODES ? code : KICKED;
}
