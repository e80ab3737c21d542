import { SEEN_BYTES } from '../protocol/index.js';
import type { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import type { ReplayBudget } from './replay-budget.js';
import type { ReplayBuffer } from './replay-buffer.js';
import { resumptionOf } from './session-resumption.js';

/** Unseen bytes of a client that reports late: those of one report, and as many on their way. */
const LATE_BYTES = 2 * SEEN_BYTES;
/** Milliseconds in which a client that reports in time has reported something: twice the time of the protocol. */
const LATE_MS = 10_000;

/**
 * Closes connected sessions whose clients report late, while connected sessions exceed `RESUME_BUDGET_BYTES`. Those with more
 * unseen bytes than `LATE_BYTES` are closed at once. The others may have reported in time: they are closed where nothing of
 * what they have not seen is reported within `LATE_MS`. In both cases those with the most unseen bytes are first.
 */
export class LateClients {
  /** Bytes of connected sessions above which sessions are searched again. Written by {@link close}. */
  #searchedAboveBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly budget: ReplayBudget,
  ) {}

  /** Closes sessions as the class says. Where this is not enough, it searches again after a step only. */
  close(): void {
    const { connected, stepBytes } = this.budget;
    if (!this.#isExceeded) this.#searchedAboveBytes = 0;
    if (!this.#isExceeded || connected.bytes <= this.#searchedAboveBytes) return;
    this.#shed((replay) => replay.bytes > LATE_BYTES);
    this.#searchedAboveBytes = this.#isExceeded ? connected.bytes + stepBytes : 0;
    this.#watch();
  }

  get #isExceeded(): boolean {
    return this.budget.isExceededBy(this.budget.connected);
  }

  /** Closes the sessions whose clients have reported nothing when the time is over. */
  #watch(): void {
    if (!this.#isExceeded || this.#timer !== undefined) return;
    const seen = new Map(this.#keeping().map(([session, replay]) => [session, replay.seen]));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#shed((replay, session) => seen.get(session) === replay.seen);
      this.#watch();
    }, LATE_MS).unref();
  }

  #shed(isLate: (replay: ReplayBuffer, session: Session) => boolean): void {
    if (!this.#isExceeded) return;
    const late = this.#keeping().filter(([session, replay]) => isLate(replay, session));
    for (const [session] of late.toSorted(([, a], [, b]) => b.bytes - a.bytes)) {
      if (!this.#isExceeded) return;
      session.shed(1013);
    }
  }

  /** Returns the connected sessions with unseen frames. */
  #keeping(): (readonly [Session, ReplayBuffer])[] {
    const keeping: (readonly [Session, ReplayBuffer])[] = [];
    for (const session of this.registry.all()) {
      const replay = session.state === 'open' ? resumptionOf(session)?.replay : undefined;
      if (replay !== undefined && replay.bytes > 0) keeping.push([session, replay]);
    }
    return keeping;
  }
}
