import { isGroup } from '../../src/protocol/index.js';
import type { Received } from '../support/client.js';
import { GroupViews, type AnswerCounts, type GroupClient } from '../support/group-views.js';
import { isWithin, type Outage } from './outage.js';

/** Messages that one session sent and received, from its welcome to its end. */
export interface SessionRecord extends GroupClient {
  /** The address of its node. */
  readonly url: string;
  readonly openedMs: number;
  /** Whether it outlives its connections. */
  readonly isResumable: boolean;
  /** When its first connection was lost. */
  lostMs: number | undefined;
  endedMs: number | undefined;
  /** The highest number received from each sender; numbers rise. */
  readonly highest: Map<string, number>;
  readonly received: Set<number>;
  /** Receivers of messages sent and not answered yet, by number. */
  readonly unanswered: Map<number, string>;
  /** Messages that were answered and later reported as undelivered. */
  readonly undelivered: Set<number>;
  /** Departure notices received, by session id. */
  readonly departed: Map<string, number>;
  /** Sessions whose `sys.away` was received, and whose `sys.back` was not. */
  readonly away: Set<string>;
  /** Whether the session was passed over, so that notices may be missing. */
  hasGap: boolean;
  /** Watched users, and whether the last `sys.presence` has them online. */
  readonly watched: Map<string, boolean>;
}

export interface LedgerCounts {
  /** Direct messages that were routed, and how many of them were lost because their receiver ended. */
  readonly routed: number;
  readonly lost: number;
  /** Lost messages to a resumable session whose sender got no `sys.undelivered`; 0 where no node dies. */
  readonly unreported: number;
  /** Messages reported by `sys.undelivered`. */
  readonly undelivered: number;
  readonly departures: number;
  /** Accepted messages to rooms with other members. */
  readonly roomMessages: number;
  /** Joins and leaves that members received. */
  readonly roomNotices: number;
  /** Changes of presence that watchers received. */
  readonly presences: number;
}

interface Routed {
  readonly sender: SessionRecord;
  readonly receiver: string;
  readonly number: number;
}

/** A departure may be decided so long before its client sees the end; sessions opened in between get no notice. */
const DEPARTURE_LAG_MS = 20_000;
/** A session may be counted as a receiver, and its client read the end, so long before a message is sent. */
const END_LAG_MS = 2000;
/** A message answered `unavailable` may still be delivered for half of NODE_TIMEOUT_MS, and be read a while later. */
const LATE_DELIVERY_MS = 1500;
/** Violations that are kept as examples. */
const MAX_VIOLATIONS = 20;

/** Records all messages and notices of a run and checks them against the protocol. */
export class Ledger {
  readonly records = new Map<string, SessionRecord>();
  readonly violations: string[] = [];
  readonly answers = new Map<string, number>();
  /** Why sessions could not be resumed. */
  readonly reasons = new Map<string, number>();
  readonly groups = new GroupViews<SessionRecord>({
    now: () => performance.now(),
    breach: (text) => this.violation(text),
    clients: this.records,
    // The departure of a session is read by others before its client reads the end; the end is checked at last.
    mayHaveEnded: () => true,
    mustHave: ({ endedMs }) => endedMs === undefined,
    slackMs: END_LAG_MS,
  });
  /** Changes of presence that were received. */
  presences = 0;
  readonly #routed: Routed[] = [];
  /** Times of `unavailable` answers, by message number. */
  readonly #unavailableMs = new Map<number, number>();
  /** Reports of undelivered messages: the sender, the message and its receiver. */
  readonly #reported = new Set<string>();
  #number = 0;
  #violations = 0;

  onOpened({ receiver: id, data }: Received, url: string, user: string): SessionRecord {
    if (data.resumed === false) this.reasons.set(data.reason, (this.reasons.get(data.reason) ?? 0) + 1);
    if (this.records.has(id)) this.violation(`the id ${id} was given twice`);
    const record = {
      id,
      name: id,
      user,
      url,
      openedMs: performance.now(),
      isResumable: data.resume !== undefined,
      lostMs: undefined,
      endedMs: undefined,
      highest: new Map<string, number>(),
      received: new Set<number>(),
      unanswered: new Map<number, string>(),
      undelivered: new Set<number>(),
      departed: new Map<string, number>(),
      away: new Set<string>(),
      hasGap: false,
      watched: new Map<string, boolean>(),
    };
    this.records.set(id, record);
    return record;
  }

  /** Returns the number of the next message. */
  onSent(record: SessionRecord, receiver: string): number {
    const number = ++this.#number;
    record.unanswered.set(number, receiver);
    if (isGroup(receiver)) this.groups.sent(number, record, receiver);
    return number;
  }

  onReceived(record: SessionRecord, sender: string, receiver: string, number: number): void {
    if (isGroup(receiver)) this.groups.received(record, sender, receiver, number);
    else if (receiver !== record.id) this.violation(`${record.id} received ${number} for ${receiver}`);
    const message = `${number} of ${sender}`;
    if (record.received.has(number)) this.violation(`${record.id} received ${message} twice`);
    else if (number < (record.highest.get(sender) ?? 0))
      this.violation(`${record.id} received ${message} out of order`);
    if (record.departed.has(sender)) this.violation(`${record.id} received ${message} after the sender's departure`);
    const isLate = performance.now() - (this.#unavailableMs.get(number) ?? Number.POSITIVE_INFINITY) > LATE_DELIVERY_MS;
    // A session that was away gets what was kept for it when its client returns.
    if (isLate && !record.isResumable)
      this.violation(`${record.id} received ${message} long after the answer \`unavailable\``);
    record.received.add(number);
    record.highest.set(sender, number);
  }

  /** @param answer `routed`, `accepted`, or the code of an error */
  onAnswered(record: SessionRecord, number: number, answer: string, counts: AnswerCounts): void {
    const receiver = record.unanswered.get(number);
    if (receiver === undefined)
      return this.violation(`${record.id} got one answer too many to message ${number}: ${answer}`);
    record.unanswered.delete(number);
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    // Not those that hold the message: a client may never have got the welcome of one of them.
    this.groups.answered(number, answer, { ...counts, held: 0 });
    if ((answer === 'routed' || answer === 'held') && !isGroup(receiver))
      this.#routed.push({ sender: record, receiver, number });
    if (answer === 'unavailable') this.#unavailableMs.set(number, performance.now());
  }

  onDeparted(record: SessionRecord, id: string): void {
    const times = (record.departed.get(id) ?? 0) + 1;
    record.departed.set(id, times);
    if (times > 1) this.violation(`${record.id} got departure notice ${times} of ${id}`);
  }

  /** Records `sys.away`, which comes once before `sys.back` or the departure. */
  onAway(record: SessionRecord, id: string): void {
    if (record.away.has(id)) this.violation(`${record.id} got twice that ${id} is away`);
    if (record.departed.has(id)) this.violation(`${record.id} got that ${id} is away after its departure`);
    record.away.add(id);
  }

  /** Records `sys.back`. A session that opens between the two notices gets the second one only. */
  onBack(record: SessionRecord, id: string): void {
    if (record.away.delete(id) || record.hasGap) return;
    const lostMs = this.records.get(id)?.lostMs ?? Number.POSITIVE_INFINITY;
    if (record.openedMs < lostMs) this.violation(`${record.id} got that ${id} is back, and not that it was away`);
  }

  /** Records `sys.gap`. */
  onGap(record: SessionRecord): void {
    record.hasGap = true;
    this.groups.missed(record);
  }

  /** Records `sys.undelivered`, which comes once behind the answer, and only where the session has ended. */
  onUndelivered(record: SessionRecord, number: number, receiver: string): void {
    const what = `${record.id} got that ${number} to ${receiver} is undelivered`;
    if (record.unanswered.has(number)) this.violation(`${what} before its answer`);
    // A message to a user may be reported for several of its sessions, once for each.
    if (this.#reported.has(what)) this.violation(`${what} twice`);
    this.#reported.add(what);
    record.undelivered.add(number);
  }

  /** Records `sys.presence`, the answer to `sys.watch` too. */
  onPresence({ id, watched }: SessionRecord, user: string, online: boolean): void {
    if (watched.get(user) === online)
      this.violation(`${id} got twice that ${user} is ${online ? 'online' : 'offline'}`);
    if (watched.has(user)) this.presences++;
    watched.set(user, online);
  }

  violation(text: string): void {
    if (++this.#violations <= MAX_VIOLATIONS) this.violations.push(text);
  }

  get alive(): SessionRecord[] {
    return [...this.records.values()].filter(({ endedMs }) => endedMs === undefined);
  }

  /** Lists what clients do not know yet of rooms and users. */
  disagreements(): string[] {
    const { alive } = this;
    const online = new Set(alive.map(({ user }) => user));
    const wrong = alive.flatMap(({ id, watched }) =>
      [...watched].flatMap(([user, isOnline]) =>
        isOnline === online.has(user) ? [] : [`${id} does not know whether ${user} is online`],
      ),
    );
    return [...wrong, ...this.groups.disagreements(alive)];
  }

  /** Checks all records once no message is in flight; `lost` counts routed messages whose receiver ended. */
  close(outages: readonly Outage[]): LedgerCounts {
    const { alive } = this;
    for (const { id, unanswered } of alive)
      for (const number of unanswered.keys()) this.violation(`message ${number} of ${id} got no answer`);
    let [lost, unreported] = [0, 0];
    for (const { sender, receiver, number } of this.#routed) {
      const record = this.records.get(receiver);
      if (record?.received.has(number)) continue;
      if (record?.endedMs === undefined)
        this.violation(`message ${number} was routed to ${receiver} and never arrived`);
      else {
        lost++;
        const isReported = sender.undelivered.has(number) || sender.endedMs !== undefined;
        if (record.isResumable && !isReported) unreported++;
      }
    }
    const undelivered = [...this.records.values()].reduce((sum, { undelivered: own }) => sum + own.size, 0);
    const departures = this.#checkDepartures(alive, outages);
    this.groups.settle(alive);
    for (const text of this.disagreements()) this.violation(text);
    if (this.#violations > MAX_VIOLATIONS) this.violations.push(`and ${this.#violations - MAX_VIOLATIONS} more`);
    const { presences } = this;
    const { expected: roomMessages, notices: roomNotices } = this.groups;
    return {
      lost,
      unreported,
      undelivered,
      routed: this.#routed.length,
      departures,
      roomMessages,
      roomNotices,
      presences,
    };
  }

  #checkDepartures(alive: readonly SessionRecord[], outages: readonly Outage[]): number {
    let notices = 0;
    for (const record of this.records.values()) {
      const { id, openedMs, endedMs } = record;
      const lifetime = `(open from ${Math.round(openedMs)} to ${Math.round(endedMs ?? 0)} ms)`;
      let missing = 0;
      for (const observer of alive) {
        const times = observer.departed.get(id) ?? 0;
        notices += times;
        if (endedMs === undefined && times > 0)
          this.violation(`${observer.id} got a departure notice of ${id}, which is connected`);
        if (endedMs !== undefined && times === 0 && observer.openedMs < endedMs - DEPARTURE_LAG_MS) missing++;
      }
      if (missing > 0 && !outages.some((outage) => isWithin(outage, record)))
        this.violation(`${missing} of ${alive.length} got no departure notice of ${id} ${lifetime}`);
    }
    return notices;
  }
}
