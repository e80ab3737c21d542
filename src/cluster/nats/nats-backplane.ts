import { Injectable } from '@nestjs/common';
import { NodeIdentity } from '../../node/node-identity.js';
import { nodeIdOf, type Frame } from '../../protocol/index.js';
import { Settings } from '../../settings/settings.js';
import { Log } from '../../telemetry/log.js';
import {
  Backplane,
  type DeliveryCallback,
  type ClusterDelegate,
  type SessionInfo,
  type DeliveryFailure,
  type SessionDetails,
} from '../backplane.js';
import { NodeReceiver } from './node-receiver.js';
import { rendezvousOwner } from '../membership/rendezvous.js';
import { InFlight } from './in-flight.js';
import { TICKS_PER_TIMEOUT, MemberList } from '../membership/member-list.js';
import { natsAccess } from './nats-access.js';
import { NatsConnector } from './nats-connector.js';
import type { ClusterEvent, Request } from '../wire/node-message.js';
import { PendingRpcs } from './pending-rpcs.js';
import { TICKS_PER_HEARTBEAT, Membership } from '../membership/membership.js';
import { Subjects } from './subjects.js';
import { NodePublisher } from './node-publisher.js';

/** Bytes on their way to one node; what comes beyond them is refused. */
const MAX_BYTES_TO_NODE = 16 * 1024 * 1024;
/** Nodes that have a batch to answer: more than there may be. */
const MAX_ASKED = 2048;
/** What may be in front of a frame in the same message. */
const BATCH_ROOM = 150_000;
/** A batch is carried out in the first half of its time; the other half is for the receipt. */
const CARRIED_OUT_IN = 0.5;

/** Many nodes that talk over NATS; docs/adr/0010 says how. */
@Injectable()
export class NatsBackplane extends Backplane {
  readonly #subjects: Subjects;
  readonly #link: NatsConnector;
  readonly #inFlight: InFlight;
  readonly #pendingRpcs: PendingRpcs;
  readonly #publisher: NodePublisher;
  #members: MemberList | undefined;
  #membership: Membership | undefined;
  #receiver: NodeReceiver | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly identity: NodeIdentity,
    private readonly log: Log,
  ) {
    super();
    const { natsSubject, backplaneTimeoutMs, nodeTimeoutMs } = settings;
    this.#subjects = new Subjects(natsSubject);
    this.#inFlight = new InFlight(backplaneTimeoutMs);
    this.#pendingRpcs = new PendingRpcs(backplaneTimeoutMs);
    const plan = {
      access: () => natsAccess(settings, `switchboard ${identity.id}`),
      subjects: () => this.#subjects.from(identity.id),
      maxRetryMs: (nodeTimeoutMs / TICKS_PER_TIMEOUT) * TICKS_PER_HEARTBEAT,
    };
    const owner = {
      onConnected: () => this.#up(),
      onDisconnected: () => this.#membership?.onDisconnected(),
      onMessage: (bytes: Uint8Array, reply: string | undefined) => this.#receiver?.receive(bytes, reply),
      onNoResponders: (reply: string) => this.#unheard(this.#subjects.numberOf(reply)),
    };
    this.#link = new NatsConnector(plan, owner, log);
    const maxAgeMs = backplaneTimeoutMs * CARRIED_OUT_IN;
    this.#publisher = new NodePublisher(maxAgeMs, identity, this.#subjects, this.#link, this.#inFlight);
  }

  get disconnectedSinceMs(): number | undefined {
    return this.#membership?.disconnectedSinceMs;
  }

  get peerCount(): number {
    return this.#members?.size ?? 0;
  }

  get waiting(): number {
    return this.#inFlight.waiting + this.#publisher.accumulator.waiting;
  }

  get #joined(): boolean {
    return this.#membership?.joined ?? false;
  }

  async start(delegate: ClusterDelegate): Promise<void> {
    const members = (this.#members = new MemberList(delegate));
    const shared = { delegate, members, identity: this.identity, publisher: this.#publisher, log: this.log };
    const membership = (this.#membership = new Membership({
      ...shared,
      link: this.#link,
      subjects: this.#subjects,
      nodeTimeoutMs: this.settings.nodeTimeoutMs,
      lost: (part) => this.#lost(part),
    }));
    this.#receiver = new NodeReceiver({
      ...shared,
      membership,
      inFlight: this.#inFlight,
      pendingRpcs: this.#pendingRpcs,
    });
    await membership.start();
  }

  async stop(): Promise<void> {
    await this.#membership?.stop();
  }

  reaches(receiver: string, bytes: number): boolean {
    const part = nodeIdOf(receiver);
    return part !== undefined && this.#joined && this.#members?.get(part) !== undefined && this.#hasRoom(part, bytes);
  }

  reachesAll(bytes: number): boolean {
    return this.#joined && (this.peerCount === 0 || this.#fits(bytes));
  }

  deliver(sender: string, receiver: string, frame: Frame, callback: DeliveryCallback): DeliveryFailure | undefined {
    return this.#ask({ type: 'message', sender, receiver, frame }, frame.length, callback);
  }

  broadcast(sender: string, frame: Frame): boolean {
    if (!this.reachesAll(frame.length)) return false;
    if (this.peerCount > 0) this.#tell({ type: 'broadcast', sender, frame });
    return true;
  }

  arrived(sessionInfo: SessionInfo): void {
    this.#tell({ type: 'arrived', sessionInfo });
  }

  departed(id: string, code: number): void {
    this.#publisher.recentDepartures.note(id, code);
    this.#tell({ type: 'departed', id, code });
  }

  async kick(receiver: string): Promise<DeliveryFailure | undefined> {
    return new Promise((resolve) => {
      const refusal = this.#ask({ type: 'kick', receiver }, 0, resolve);
      if (refusal !== undefined) resolve(refusal);
    });
  }

  async sessionDetails(ids: readonly string[]): Promise<readonly SessionDetails[]> {
    if (!this.#joined) return [];
    const asked = new Map<string, string[]>();
    for (const id of ids) {
      const part = nodeIdOf(id);
      if (part === undefined || this.#members?.get(part) === undefined) continue;
      const ofNode = asked.get(part);
      if (ofNode === undefined) asked.set(part, [id]);
      else ofNode.push(id);
    }
    const answers = [...asked].map(([part, ofNode]) =>
      this.#pendingRpcs.call((number) => this.#publisher.sendTo(part, { kind: 'question', number, views: ofNode })),
    );
    return ((await Promise.all(answers)) as (SessionDetails[] | undefined)[]).flatMap((views) => views ?? []);
  }

  ownerOf(key: string): string | undefined {
    const { id } = this.identity;
    const parts = [id, ...[...(this.#members?.all() ?? [])].map((member) => member.nodeId)];
    const keeper = rendezvousOwner(parts, key);
    return keeper === id ? undefined : keeper;
  }

  async rpc(part: string, work: unknown): Promise<unknown> {
    if (!this.#joined) return undefined;
    return this.#pendingRpcs.call((number) => this.#publisher.sendTo(part, { kind: 'question', number, work }));
  }

  async flushed(): Promise<void> {
    this.#publisher.accumulator.flush();
    await this.#link.flushed();
  }

  #ask(request: Request, bytes: number, callback: DeliveryCallback): DeliveryFailure | undefined {
    const part = nodeIdOf(request.receiver);
    if (part === undefined || part === this.identity.id || this.#members?.isGone(part) !== false)
      return 'receiver_not_found';
    if (!this.#joined) return 'unavailable';
    // A newcomer asks also whom it has not heard of: that one may be slow to say who it is.
    if (this.#membership?.settled && this.#members.get(part) === undefined) return 'receiver_not_found';
    if (!this.#hasRoom(part, bytes)) return 'unavailable';
    this.#publisher.accumulator.addRequest(part, request, callback);
    return undefined;
  }

  /** Who is known will listen again; who is not known and does not listen is not there. */
  #unheard(number: number): void {
    const part = this.#inFlight.nodeOf(number);
    const isKnown = part !== undefined && this.#members?.get(part) !== undefined;
    this.#inFlight.fail(number, isKnown ? 'unavailable' : 'receiver_not_found');
  }

  /** What is said without a link is contained in the snapshot that begins the next. */
  #tell(clusterEvent: ClusterEvent): void {
    if (this.#link.open) this.#publisher.accumulator.addEvent(clusterEvent);
  }

  #hasRoom(part: string, bytes: number): boolean {
    return this.#fits(bytes) && this.#inFlight.bytesTo(part) <= MAX_BYTES_TO_NODE && this.#inFlight.nodes < MAX_ASKED;
  }

  #fits(bytes: number): boolean {
    return bytes + BATCH_ROOM <= this.#link.maxBytes;
  }

  #up(): void {
    if (!this.#fits(this.settings.maxMessageBytes))
      this.log.warn('NATS takes no messages as long as MAX_MESSAGE_BYTES', { maxPayload: this.#link.maxBytes });
    this.#membership?.onConnected();
  }

  #lost(part?: string): void {
    if (part !== undefined) return this.#inFlight.failNode(part);
    this.#publisher.accumulator.reset();
    this.#inFlight.failAll();
    this.#pendingRpcs.failAll();
  }
}
