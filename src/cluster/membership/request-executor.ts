import type { Log } from '../../telemetry/log.js';
import type { ClusterDelegate, DeliveryFailure } from '../backplane.js';
import type { Clock } from '../clock.js';
import type { NodePublisher } from '../nats/node-publisher.js';
import type { Batch, Head, Request, RpcRequest } from '../wire/node-message.js';
import type { JoinState } from './join-state.js';
import type { Member } from './member.js';

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
    execute: (request: Request | undefined) => DeliveryFailure | undefined,
  ): void {
    const refused: [number, DeliveryFailure][] = [];
    let index = 0;
    for (const request of items) {
      const failure = execute(request);
      if (failure !== undefined) refused.push([index, failure]);
      index++;
    }
    this.publisher.receipt(reply, { kind: 'receipt', number, refused });
  }

  #execute(request: Request | undefined): DeliveryFailure | undefined {
    if (request === undefined) return 'unavailable';
    if (request.type === 'kick') return this.delegate.kick(request.receiver) ? undefined : 'receiver_not_found';
    return this.delegate.deliverLocal(request.sender, request.receiver, request.frame);
  }
}
