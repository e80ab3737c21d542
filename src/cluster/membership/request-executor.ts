import type { Log } from '../../telemetry/log.js';
import { CLOSE_CODES } from '../../protocol/index.js';
import type { ClusterDelegate, GroupReceipt } from '../backplane.js';
import type { Clock } from '../clock.js';
import type { NodePublisher } from '../nats/node-publisher.js';
import type { Batch, Head, Request, RequestFailure, RequestOutcome, RpcRequest } from '../wire/node-message.js';
import type { JoinState } from './join-state.js';
import type { Member } from './member.js';

/** Closes a session in place of a code that only a newer version has. */
const KICKED = 4000;

type Kick = Extract<Request, { readonly type: 'kick' }>;
/** The outcome of a request; `undefined` where it has succeeded without counts. */
type Outcome = RequestOutcome | GroupReceipt;
/** The version from which on a receipt may say that a message is held. */
const HELD_VERSION = 4;

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
  execute(member: Member, { version, sentAtMs }: Head, batch: Batch, reply: string): void {
    const isFresh = member.clock.maxAgeMs(sentAtMs, this.clock.now()) <= batch.maxAgeMs;
    if (!isFresh || !member.synced || !this.state.joined) return this.refuse(batch, reply);
    const outcomes = this.#outcomes(batch);
    this.#answer(batch, reply, version < HELD_VERSION ? withoutHeld(outcomes) : outcomes);
  }

  /** Answers every request of a batch with `unavailable`. */
  refuse(batch: Batch, reply: string): void {
    const outcomes = batch.items.map((): Outcome => 'unavailable');
    this.#answer(batch, reply, outcomes);
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

  /** Answers a batch. @param outcomes those of its requests, in their order */
  #answer({ number }: Batch, reply: string, outcomes: Iterable<Outcome>): void {
    const refused: [number, RequestFailure][] = [];
    const counts: [number, GroupReceipt][] = [];
    const held: number[] = [];
    let index = 0;
    for (const outcome of outcomes) {
      if (outcome === 'held') held.push(index);
      else if (typeof outcome === 'string') refused.push([index, outcome]);
      else if (outcome !== undefined) counts.push([index, outcome]);
      index++;
    }
    const optional = { ...(counts.length > 0 && { counts }), ...(held.length > 0 && { held }) };
    this.publisher.receipt(reply, { kind: 'receipt', number, refused, ...optional });
  }

  /**
   * Executes requests in their order. Sessions that are kicked one after the other are closed at one moment, because their
   * number would else square the notices of their departures.
   */
  *#outcomes({ items }: Batch): Iterable<Outcome> {
    let kicks: Kick[] = [];
    for (const request of items) {
      const isKick = request?.type === 'kick';
      if (kicks.length > 0 && !(isKick && request.code === kicks[0]!.code)) {
        yield* this.#kick(kicks);
        kicks = [];
      }
      if (isKick) kicks.push(request);
      else yield this.#execute(request);
    }
    if (kicks.length > 0) yield* this.#kick(kicks);
  }

  #kick(kicks: readonly Kick[]): readonly Outcome[] {
    const ids = kicks.map(({ receiver }) => receiver);
    const found = this.delegate.kick(ids, knownCode(kicks[0]!.code));
    return found.map((isFound) => (isFound ? undefined : 'receiver_not_found'));
  }

  #execute(request: Exclude<Request, Kick> | undefined): Outcome {
    if (request === undefined) return 'unavailable';
    switch (request.type) {
      case 'message':
        return this.delegate.deliverLocal(request.sender, request.receiver, request.frame);
      case 'groupMessage':
        return this.delegate.deliverToGroup(request.sender, request.receiver, request.frame);
      default:
        return this.delegate.changeRoom(request.type, request.receiver, request.room);
    }
  }
}

function knownCode(code: number): number {
  return code in CLOSE_CODES ? code : KICKED;
}

/** Replaces what a node of version 3 cannot read: a held message counts as one that was put on a connection. */
function* withoutHeld(outcomes: Iterable<Outcome>): Iterable<Outcome> {
  for (const outcome of outcomes) {
    if (outcome === 'held') yield undefined;
    else if (typeof outcome !== 'object') yield outcome;
    else yield { delivered: outcome.delivered + (outcome.held ?? 0), skipped: outcome.skipped };
  }
}
