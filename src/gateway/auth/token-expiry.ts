import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Session } from '../../sessions/session.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Settings } from '../../settings/settings.js';

const TICK_MS = 1000;

/**
 * Closes sessions with 4102 when their token expires. Timing wheel: one bucket per expiry second, one timer for all
 * buckets.
 */
@Injectable()
export class TokenExpiry implements OnApplicationShutdown {
  /** Sessions by the Unix time in seconds at which their token expires. */
  readonly #buckets = new Map<number, Set<Session>>();
  readonly #skewMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    { authSkewMs }: Settings,
  ) {
    this.#skewMs = authSkewMs;
    sessions.addListener('expiry', {
      opened: (session) => this.watch(session),
      away: (session) => this.forget(session),
      back: (session) => this.watch(session),
      closed: (session) => this.forget(session),
    });
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Adds a session to the bucket of its token; does nothing where it has no token. */
  watch(session: Session): void {
    const expiresAt = session.identity.expiresAt;
    if (expiresAt === undefined) return;
    let bucket = this.#buckets.get(expiresAt);
    if (bucket === undefined) this.#buckets.set(expiresAt, (bucket = new Set()));
    bucket.add(session);
    this.#timer ??= setInterval(() => this.#expire(), TICK_MS).unref();
  }

  /** Removes a session from its bucket, because the session has closed or its token is about to be replaced. */
  forget(session: Session): void {
    const expiresAt = session.identity.expiresAt;
    if (expiresAt === undefined) return;
    const bucket = this.#buckets.get(expiresAt);
    if (bucket?.delete(session) === true && bucket.size === 0) this.#buckets.delete(expiresAt);
  }

  #expire(): void {
    const due = (Date.now() - this.#skewMs) / 1000;
    const buckets = [...this.#buckets].filter(([expiresAt]) => expiresAt <= due);
    // Before the sessions close, so that no bucket outlives its second.
    for (const [expiresAt] of buckets) this.#buckets.delete(expiresAt);
    this.sessions.closeAll(
      4102,
      buckets.flatMap(([, bucket]) => [...bucket]),
    );
    if (this.#buckets.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
