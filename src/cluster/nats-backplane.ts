import { Injectable } from '@nestjs/common';
import { NodeIdentity } from '../node/node-identity.js';
import { nodeIdOf, type Frame } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import {
  Backplane,
  type ClusterDelegate,
  type DeliveryCallback,
  type DeliveryFailure,
  type GroupCallback,
  type NodeStanding,
  type Outage,
  type RoomChange,
  type RoomFailure,
  type RpcResult,
  type SessionDetails,
  type SessionInfo,
} from './backplane.js';
import { Clock, type CancelTimer } from './clock.js';
import { Membership } from './membership/membership.js';
import { rendezvousOwner } from './membership/rendezvous.js';
import { NatsDialer } from './nats/nats-access.js';
import type { RequestCallback } from './nats/in-flight.js';
import type { Request, RequestFailure, RequestOutcome } from './wire/node-message.js';

const LOOKUP_INTERVAL_MS = 2000;

/**
 * Many nodes that communicate over NATS (docs/adr/0010). With `BACKPLANE=auto` a node is standalone until a host of
 * `NATS_URL` resolves, so that one compose file serves one node and many. A host that resolves but does not answer
 * counts as disconnected, not standalone.
 */
@Injectable()
export class NatsBackplane extends Backplane {
  /** `undefined` while this node is standalone, which only `BACKPLANE=auto` allows. */
  #membership: Membership | undefined;
  #cancelLookup: CancelTimer | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly identity: NodeIdentity,
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly dialer: NatsDialer,
  ) {
    super();
  }

  get outage(): Outage | undefined {
    return this.#membership?.state.outage;
  }

  get peerCount(): number {
    return this.#membership?.members.size ?? 0;
  }

  get waiting(): number {
    return this.#membership?.publisher.waiting ?? 0;
  }

  async start(delegate: ClusterDelegate): Promise<void> {
    if (this.settings.backplane === 'nats' || (await this.dialer.anyHostResolves())) return this.#join(delegate);
    this.log.info('standalone until a NATS host resolves');
    this.#scheduleLookup(delegate);
  }

  async stop(): Promise<void> {
    this.#cancelLookup?.();
    this.#cancelLookup = undefined;
    await this.#membership?.stop();
  }

  deliver(sender: string, receiver: string, frame: Frame, callback: DeliveryCallback): 'queued' | DeliveryFailure {
    // The receiving node refuses a message with a `DeliveryFailure` only.
    return this.#request({ type: 'message', sender, receiver, frame }, callback as RequestCallback);
  }

  canBroadcast(bytes: number): boolean {
    const membership = this.#membership;
    if (membership === undefined) return true;
    return membership.state.joined && (membership.members.size === 0 || membership.publisher.fits(bytes));
  }

  broadcast(sender: string, frame: Frame): boolean {
    if (!this.canBroadcast(frame.length)) return false;
    if (this.peerCount > 0) this.#membership?.publisher.event({ type: 'broadcast', sender, frame });
    return true;
  }

  arrived(sessionInfo: SessionInfo): void {
    this.#membership?.publisher.event({ type: 'arrived', sessionInfo });
  }

  departed(id: string, code: number): void {
    this.#membership?.publisher.event({ type: 'departed', id, code });
  }

  joined(id: string, room: string): void {
    this.#membership?.publisher.event({ type: 'joined', id, room });
  }

  left(id: string, room: string): void {
    this.#membership?.publisher.event({ type: 'left', id, room });
  }

  away(id: string): void {
    this.#membership?.publisher.event({ type: 'away', id });
  }

  back(id: string): void {
    this.#membership?.publisher.event({ type: 'back', id });
  }

  deliverToGroup(
    nodeId: string,
    sender: string,
    receiver: string,
    frame: Frame,
    callback: GroupCallback,
  ): 'queued' | 'unavailable' {
    const membership = this.#membership;
    // Only members have sessions that this node lists.
    if (membership?.state.joined !== true || !membership.members.has(nodeId)) return 'unavailable';
    return membership.publisher.request(nodeId, { type: 'groupMessage', sender, receiver, frame }, (outcome, counts) =>
      // A receipt without counts is malformed.
      callback((failureIn(outcome) as DeliveryFailure | undefined) ?? counts ?? 'unavailable'),
    );
  }

  changeRoom(change: RoomChange, receiver: string, room: string): Promise<RoomFailure | undefined> {
    return this.#ask({ type: change, receiver, room }) as Promise<RoomFailure | undefined>;
  }

  kick(receiver: string, code: number): Promise<DeliveryFailure | undefined> {
    return this.#ask({ type: 'kick', receiver, code }) as Promise<DeliveryFailure | undefined>;
  }

  async sessionDetails(ids: readonly string[]): Promise<readonly SessionDetails[]> {
    const membership = this.#membership;
    if (membership === undefined || !membership.state.joined) return [];
    const idsByNode = new Map<string, string[]>();
    for (const id of ids) {
      const nodeId = nodeIdOf(id);
      if (nodeId === undefined || !membership.members.has(nodeId)) continue;
      const idsOfNode = idsByNode.get(nodeId);
      if (idsOfNode === undefined) idsByNode.set(nodeId, [id]);
      else idsOfNode.push(id);
    }
    const calls = [...idsByNode].map(([nodeId, idsOfNode]) => membership.publisher.sessionDetails(nodeId, idsOfNode));
    return (await Promise.all(calls)).flat();
  }

  ownerOf(key: string): string | undefined {
    const { id } = this.identity;
    const owner = rendezvousOwner([id, ...(this.#membership?.members.nodeIds() ?? [])], key);
    return owner === id ? undefined : owner;
  }

  standingOf(nodeId: string): NodeStanding {
    const membership = this.#membership;
    if (membership === undefined) return 'unseen';
    const { members, state } = membership;
    if (members.isGone(nodeId)) return 'gone';
    if (members.has(nodeId)) return 'alive';
    return state.joined && state.settled ? 'unseen' : 'uncertain';
  }

  async rpc(nodeId: string, body: unknown): Promise<RpcResult> {
    const membership = this.#membership;
    return membership?.state.joined === true ? membership.publisher.call(nodeId, { body }) : 'unavailable';
  }

  async flushed(): Promise<void> {
    await this.#membership?.publisher.flushed();
  }

  /** Sessions that are open already are in the snapshot to the other nodes. */
  #join(delegate: ClusterDelegate): Promise<void> {
    this.#membership = new Membership(delegate, this.settings, this.identity, this.log, {
      clock: this.clock,
      dialer: this.dialer,
    });
    return this.#membership.start();
  }

  #scheduleLookup(delegate: ClusterDelegate): void {
    const cancel = this.clock.after(LOOKUP_INTERVAL_MS, async () => {
      const resolves = await this.dialer.anyHostResolves();
      if (cancel !== this.#cancelLookup) return; // stopped during the lookup
      if (resolves) await this.#join(delegate);
      else this.#scheduleLookup(delegate);
    });
    this.#cancelLookup = cancel;
  }

  /** Sends a request that server code waits for. Resolves with the reason why it failed. */
  #ask(request: Request): Promise<RequestFailure | undefined> {
    return new Promise((resolve) => {
      const result = this.#request(request, (outcome) => resolve(failureIn(outcome)));
      if (result !== 'queued') resolve(result);
    });
  }

  /** Decides where a request goes. The only check of a receiver, so that no other one can disagree. */
  #request(request: Request, callback: RequestCallback): 'queued' | DeliveryFailure {
    const membership = this.#membership;
    const nodeId = nodeIdOf(request.receiver);
    if (membership === undefined || nodeId === undefined || this.identity.isOwn(nodeId)) return 'receiver_not_found';
    const { members, publisher, state } = membership;
    if (members.isGone(nodeId)) return 'receiver_not_found';
    if (!state.joined) return 'unavailable';
    // A node that has just joined tries unknown nodes too, because their first message may be late.
    if (state.settled && !members.has(nodeId)) return 'receiver_not_found';
    return publisher.request(nodeId, request, callback);
  }
}

/** Returns the failure in an outcome. Only a message is `held`, so that the word is no failure of another request. */
function failureIn(outcome: RequestOutcome): RequestFailure | undefined {
  return outcome === 'held' ? undefined : outcome;
}
