import { Inject, Injectable } from '@nestjs/common';
import { NodeIdentity } from '../lifecycle/node-identity.js';
import type { Frame } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { Backplane, type Answer, type Node, type Place, type Refusal } from './backplane.js';
import { Hearing } from './hearing.js';
import { InFlight } from './in-flight.js';
import { LOOKS, Members } from './members.js';
import { natsAccess } from './nats-access.js';
import { NatsLink } from './nats-link.js';
import type { News, Request } from './node-message.js';
import { Subjects } from './subjects.js';
import { Voice } from './voice.js';

/** How long a node that has come or come back waits for the snapshots of the others before it takes messages. */
const GATHER_MS = 200;
/** Looks between two heartbeats, and looks without an answer of NATS after which the link is given up. */
const BEAT_LOOKS = 4;
const LOST_LOOKS = 12;
/** Bytes on their way to one node; what comes beyond them is refused. */
const MAX_BYTES_TO_NODE = 16 * 1024 * 1024;
/** What may be in front of a frame in the same message. */
const BATCH_ROOM = 150_000;
/** A batch is carried out in the first half of its time; the other half is for the receipt. */
const CARRIED_OUT_IN = 0.5;
const SESSION_ID = /^([A-Za-z0-9_-]{8})\.[A-Za-z0-9_-]{16}$/;

/**
 * Many nodes that talk over NATS; docs/adr/0006 says how.
 *
 *   link up ──▶ our snapshot to all ──▶ theirs to us ──▶ joined: batches are heard ──▶ news, batches, heartbeats …
 */
@Injectable()
export class NatsBackplane extends Backplane {
  readonly #subjects: Subjects;
  readonly #link: NatsLink;
  readonly #inFlight: InFlight;
  readonly #voice: Voice;
  readonly #lookMs: number;
  #node: Node | undefined;
  #members: Members | undefined;
  #joined = false;
  #unlinkedSinceMs: number | undefined = performance.now();
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #settled: () => void = () => undefined;
  #hearing: Hearing | undefined;

  constructor(
    @Inject(Settings) private readonly settings: Settings,
    @Inject(NodeIdentity) private readonly identity: NodeIdentity,
    @Inject(Log) private readonly log: Log,
  ) {
    super();
    this.#lookMs = settings.nodeTimeoutMs / LOOKS;
    this.#subjects = new Subjects(settings.natsSubject);
    this.#inFlight = new InFlight(settings.backplaneTimeoutMs);
    const plan = {
      access: () => natsAccess(settings, `switchboard ${identity.part}`),
      subjects: () => this.#subjects.from(identity.part),
      maxRetryMs: this.#lookMs * BEAT_LOOKS,
    };
    const owner = {
      up: () => this.#up(),
      down: () => this.#down(),
      heard: (bytes: Uint8Array, reply: string | undefined) => this.#hearing?.hear(bytes, reply),
      unheard: (reply: string) => this.#inFlight.fail(this.#subjects.numberOf(reply)),
    };
    this.#link = new NatsLink(plan, owner, log);
    const maxAgeMs = settings.backplaneTimeoutMs * CARRIED_OUT_IN;
    this.#voice = new Voice(maxAgeMs, identity, this.#subjects, this.#link, this.#inFlight);
  }

  get linked(): boolean {
    return this.#joined;
  }

  get unlinkedSinceMs(): number | undefined {
    return this.#unlinkedSinceMs;
  }

  get others(): number {
    return this.#members?.size ?? 0;
  }

  get waiting(): number {
    return this.#inFlight.waiting + this.#voice.outgoing.waiting;
  }

  async start(node: Node): Promise<void> {
    this.#node = node;
    this.#members = new Members(node);
    this.#hearing = new Hearing(
      { linked: () => this.#joined, fenced: () => this.#fenced() },
      node,
      this.identity,
      this.#members,
      this.#voice,
      this.#inFlight,
      this.log,
    );
    this.#timer = setInterval(() => this.#look(), this.#lookMs);
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    await this.#link.connect();
    if (this.#link.open) await settled;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#gathering);
    if (this.#link.open) {
      this.#voice.leave();
      await this.#link.flushed();
    }
    this.#joined = false;
    await this.#link.stop();
    this.#forget();
  }

  reaches(receiver: string, bytes: number): boolean {
    const part = SESSION_ID.exec(receiver)?.[1];
    return part !== undefined && this.#joined && this.#members?.get(part) !== undefined && this.#hasRoom(part, bytes);
  }

  reachesAll(bytes: number): boolean {
    return this.others === 0 || (this.#joined && this.#fits(bytes));
  }

  direct(sender: string, receiver: string, frame: Frame, answer: Answer): Refusal | undefined {
    return this.#ask({ type: 'message', sender, receiver, frame }, frame.length, answer);
  }

  broadcast(sender: string, frame: Frame): boolean {
    if (!this.reachesAll(frame.length)) return false;
    if (this.others > 0) this.#tell({ type: 'broadcast', sender, frame });
    return true;
  }

  arrived(place: Place): void {
    this.#tell({ type: 'arrived', place });
  }

  departed(id: string, code: number): void {
    this.#voice.departures.note(id, code);
    this.#tell({ type: 'departed', id, code });
  }

  async kick(receiver: string): Promise<Refusal | undefined> {
    return new Promise((resolve) => {
      const refusal = this.#ask({ type: 'kick', receiver }, 0, resolve);
      if (refusal !== undefined) resolve(refusal);
    });
  }

  async flushed(): Promise<void> {
    this.#voice.outgoing.flush();
    await this.#link.flushed();
  }

  #ask(request: Request & { receiver: string }, bytes: number, answer: Answer): Refusal | undefined {
    const part = SESSION_ID.exec(request.receiver)?.[1];
    if (part === undefined || part === this.identity.part || this.#members?.isGone(part) !== false)
      return 'receiver_not_found';
    // Without a link a node may have come that this one has not heard of.
    if (!this.#joined) return 'unavailable';
    if (this.#members.get(part) === undefined) return 'receiver_not_found';
    if (!this.#hasRoom(part, bytes)) return 'unavailable';
    this.#voice.outgoing.ask(part, request, answer);
    return undefined;
  }

  /** What is said without a link is contained in the snapshot that begins the next. */
  #tell(news: News): void {
    if (this.#link.open) this.#voice.outgoing.tell(news);
  }

  #fits(bytes: number): boolean {
    return bytes + BATCH_ROOM <= this.#link.maxBytes;
  }

  #hasRoom(part: string, bytes: number): boolean {
    return this.#fits(bytes) && this.#inFlight.bytesTo(part) <= MAX_BYTES_TO_NODE;
  }

  #up(): void {
    if (!this.#fits(this.settings.maxMessageBytes))
      this.log.warn('NATS takes no messages as long as MAX_MESSAGE_BYTES', { maxPayload: this.#link.maxBytes });
    this.#voice.outgoing.reset();
    this.#members?.beginAnew();
    if (this.#node !== undefined) this.#voice.introduce(this.#node);
    this.#gathering = setTimeout(() => this.#join(), GATHER_MS);
  }

  #join(): void {
    this.#link.subscribe(this.#subjects.mail(this.identity.part));
    this.#joined = true;
    this.#unlinkedSinceMs = undefined;
    this.log.info('joined', { nodes: this.others + 1, part: this.identity.part });
    this.#settled();
  }

  #down(): void {
    clearTimeout(this.#gathering);
    this.#joined = false;
    this.#unlinkedSinceMs ??= performance.now();
    this.#settled();
    this.#forget();
  }

  #forget(): void {
    this.#voice.outgoing.reset();
    this.#inFlight.failAll();
  }

  /** Judges the others, but only while our own link answers. */
  #look(): void {
    if (!this.#link.open) return;
    if (this.#link.unprovenLooks > LOST_LOOKS) return this.#link.cut('NATS does not answer');
    this.#link.prove();
    if (++this.#looks % BEAT_LOOKS === 0) this.#voice.heartbeat();
    for (const { part } of this.#members?.look() ?? []) {
      this.log.warn('a node is dead', { part });
      this.#inFlight.failNode(part);
    }
  }

  /** The others have told our sessions' departures: the sessions must end, and new ones need a new name. */
  #fenced(): void {
    this.log.warn('given up by other nodes: all sessions end', { part: this.identity.part });
    this.#node?.givenUp();
    this.#voice.leave();
    this.#members?.end(this.identity.part);
    this.identity.renew();
    this.#link.renew('given up by other nodes');
  }
}
