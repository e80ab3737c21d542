import { Inject, Injectable } from '@nestjs/common';
import { NodeIdentity } from '../lifecycle/node-identity.js';
import { SESSION_ID, type Frame } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { Backplane, type Answer, type Node, type Place, type Refusal, type View } from './backplane.js';
import { Hearing } from './hearing.js';
import { highest } from './rendezvous.js';
import { InFlight } from './in-flight.js';
import { LOOKS, Members } from './members.js';
import { natsAccess } from './nats-access.js';
import { NatsLink } from './nats-link.js';
import type { News, Request } from './node-message.js';
import { Questions } from './questions.js';
import { BEAT_LOOKS, Standing } from './standing.js';
import { Subjects } from './subjects.js';
import { Voice } from './voice.js';

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
  readonly #link: NatsLink;
  readonly #inFlight: InFlight;
  readonly #questions: Questions;
  readonly #voice: Voice;
  #members: Members | undefined;
  #standing: Standing | undefined;
  #hearing: Hearing | undefined;

  constructor(
    @Inject(Settings) private readonly settings: Settings,
    @Inject(NodeIdentity) private readonly identity: NodeIdentity,
    @Inject(Log) private readonly log: Log,
  ) {
    super();
    const { natsSubject, backplaneTimeoutMs, nodeTimeoutMs } = settings;
    this.#subjects = new Subjects(natsSubject);
    this.#inFlight = new InFlight(backplaneTimeoutMs);
    this.#questions = new Questions(backplaneTimeoutMs);
    const plan = {
      access: () => natsAccess(settings, `switchboard ${identity.part}`),
      subjects: () => this.#subjects.from(identity.part),
      maxRetryMs: (nodeTimeoutMs / LOOKS) * BEAT_LOOKS,
    };
    const owner = {
      up: () => this.#up(),
      down: () => this.#standing?.down(),
      heard: (bytes: Uint8Array, reply: string | undefined) => this.#hearing?.hear(bytes, reply),
      unheard: (reply: string) => this.#unheard(this.#subjects.numberOf(reply)),
    };
    this.#link = new NatsLink(plan, owner, log);
    const maxAgeMs = backplaneTimeoutMs * CARRIED_OUT_IN;
    this.#voice = new Voice(maxAgeMs, identity, this.#subjects, this.#link, this.#inFlight);
  }

  get unlinkedSinceMs(): number | undefined {
    return this.#standing?.unlinkedSinceMs;
  }

  get others(): number {
    return this.#members?.size ?? 0;
  }

  get waiting(): number {
    return this.#inFlight.waiting + this.#voice.outgoing.waiting;
  }

  get #joined(): boolean {
    return this.#standing?.joined ?? false;
  }

  async start(node: Node): Promise<void> {
    const members = (this.#members = new Members(node));
    const shared = { node, members, identity: this.identity, voice: this.#voice, log: this.log };
    const standing = (this.#standing = new Standing({
      ...shared,
      link: this.#link,
      subjects: this.#subjects,
      nodeTimeoutMs: this.settings.nodeTimeoutMs,
      lost: (part) => this.#lost(part),
    }));
    this.#hearing = new Hearing({ ...shared, standing, inFlight: this.#inFlight, questions: this.#questions });
    await standing.begin();
  }

  async stop(): Promise<void> {
    await this.#standing?.end();
  }

  reaches(receiver: string, bytes: number): boolean {
    const part = partOf(receiver);
    return part !== undefined && this.#joined && this.#members?.get(part) !== undefined && this.#hasRoom(part, bytes);
  }

  reachesAll(bytes: number): boolean {
    return this.#joined && (this.others === 0 || this.#fits(bytes));
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

  async views(ids: readonly string[]): Promise<readonly View[]> {
    if (!this.#joined) return [];
    const asked = new Map<string, string[]>();
    for (const id of ids) {
      const part = partOf(id);
      if (part === undefined || this.#members?.get(part) === undefined) continue;
      const ofNode = asked.get(part);
      if (ofNode === undefined) asked.set(part, [id]);
      else ofNode.push(id);
    }
    const answers = [...asked].map(([part, ofNode]) =>
      this.#questions.ask((number) => this.#voice.say(part, { kind: 'question', number, views: ofNode })),
    );
    return ((await Promise.all(answers)) as (View[] | undefined)[]).flatMap((views) => views ?? []);
  }

  keeper(key: string): string | undefined {
    const { part } = this.identity;
    const parts = [part, ...[...(this.#members?.all() ?? [])].map((member) => member.part)];
    const keeper = highest(parts, key);
    return keeper === part ? undefined : keeper;
  }

  async work(part: string, work: unknown): Promise<unknown> {
    if (!this.#joined) return undefined;
    return this.#questions.ask((number) => this.#voice.say(part, { kind: 'question', number, work }));
  }

  async flushed(): Promise<void> {
    this.#voice.outgoing.flush();
    await this.#link.flushed();
  }

  #ask(request: Request, bytes: number, answer: Answer): Refusal | undefined {
    const part = partOf(request.receiver);
    if (part === undefined || part === this.identity.part || this.#members?.isGone(part) !== false)
      return 'receiver_not_found';
    if (!this.#joined) return 'unavailable';
    // A newcomer asks also whom it has not heard of: that one may be slow to say who it is.
    if (this.#standing?.knowsAll && this.#members.get(part) === undefined) return 'receiver_not_found';
    if (!this.#hasRoom(part, bytes)) return 'unavailable';
    this.#voice.outgoing.ask(part, request, answer);
    return undefined;
  }

  /** Who is known will listen again; who is not known and does not listen is not there. */
  #unheard(number: number): void {
    const part = this.#inFlight.partOf(number);
    const isKnown = part !== undefined && this.#members?.get(part) !== undefined;
    this.#inFlight.fail(number, isKnown ? 'unavailable' : 'receiver_not_found');
  }

  /** What is said without a link is contained in the snapshot that begins the next. */
  #tell(news: News): void {
    if (this.#link.open) this.#voice.outgoing.tell(news);
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
    this.#standing?.up();
  }

  #lost(part?: string): void {
    if (part !== undefined) return this.#inFlight.failNode(part);
    this.#voice.outgoing.reset();
    this.#inFlight.failAll();
    this.#questions.giveUp();
  }
}

/** The node part of a session's id; `undefined` for what is no id. */
function partOf(id: string): string | undefined {
  return SESSION_ID.test(id) ? id.slice(0, id.indexOf('.')) : undefined;
}
