import { SEEN_BYTES } from '../protocol/index.js';
import type { Connection } from '../sessions/connection.js';
import type { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import type { ReplayBudget } from './replay-budget.js';
import type { ReplayBuffer } from './replay-buffer.js';
import { resumptionOf } from './session-resumption.js';

/** Unseen bytes of a client that reports late: those of one report, and as many on their way. */
const LATE_BYTES = 2 * SEEN_BYTES;
/** Milliseconds after which a client has reported what it was sent: twice the time of the protocol. */
const LATE_MS = 10_000;

/** Frames that a session had been sent when `LATE_MS` began, and its connection then. */
interface Sent {
  readonly frames: number;
  readonly connection: Connection | undefined;
}

/**
 * Closes connected sessions whose clients report late, while connected sessions exceed `RESUME_BUDGET_BYTES`. Late is a client
 * with more than `LATE_BYTES` unseen, or one that has not reported within `LATE_MS` all that it was sent before. Counts only
 * bytes that a session does not share, because its end frees no others. Those with the most are first.
 */
export class LateClients {
  /** Bytes of connected sessions above which sessions are searched again. Written by {@link close}, and when `LATE_MS` is over. */
  #searchedAboveBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly budget: ReplayBudget,
  ) {}

  /** Closes sessions as the class says. Where this is not enough, it searches again after a step or after `LATE_MS`. */
  close(): void {
    const { connected, stepBytes } = this.budget;
    if (connected.bytes > this.#searchedAboveBytes) {
      this.#shed((replay) => replay.ownBytes > LATE_BYTES);
      this.#searchedAboveBytes = connected.bytes + stepBytes;
    }
    this.#watch();
  }

  #watch(): void {
    if (this.#timer !== undefined || this.budget.excessOf(this.budget.connected) === 0) return;
    const before = new Map<Session, Sent>();
    for (const [session, replay] of this.#keeping())
      before.set(session, { frames: replay.sent, connection: session.connection });
    // Judges after the sockets were read in the same turn, because a stall may have held up the reports.
    this.#timer = setTimeout(() => setImmediate(() => this.#judge(before)), LATE_MS).unref();
  }

  #judge(before: ReadonlyMap<Session, Sent>): void {
    this.#timer = undefined;
    this.#searchedAboveBytes = 0;
    this.#shed((replay, session) => {
      const sent = before.get(session);
      return sent !== undefined && sent.connection === session.connection && replay.seen < sent.frames;
    });
    this.#watch();
  }

  #shed(isLate: (replay: ReplayBuffer, session: Session) => boolean): void {
    let excess = this.budget.excessOf(this.budget.connected);
    if (excess === 0) return;
    const late: { readonly session: Session; readonly bytes: number }[] = [];
    for (const [session, replay] of this.#keeping())
      if (isLate(replay, session)) late.push({ session, bytes: replay.ownBytes });
    for (const { session, bytes } of late.toSorted((a, b) => b.bytes - a.bytes)) {
      if (excess <= 0 || bytes === 0) return;
      excess -= bytes;
      session.shed(1013);
    }
  }

  /** Yields the connected sessions with unseen frames. */
  *#keeping(): Iterable<readonly [Session, ReplayBuffer]> {
    for (const session of this.registry.all()) {
      const replay = session.state === 'open' ? resumptionOf(session)?.replay : undefined;
      if (replay !== undefined && replay.bytes > 0) yield [session, replay];
    }
  }
}
