import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Session } from '../../sessions/session.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Settings } from '../../settings/settings.js';

const LOOK_MS = 1000;

/**
 * Closes with 4102 whoever's token has ended. Sessions lie in one drawer for each second in which tokens end, and one
 * timer looks into the drawers that are due; a renewed token puts its session into another drawer.
 */
@Injectable()
export class TokenExpiry implements OnApplicationShutdown {
  readonly #drawers = new Map<number, Set<Session>>();
  readonly #skewMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: SessionRegistry, { authSkewMs }: Settings) {
    this.#skewMs = authSkewMs;
    sessions.addListener('expiry', {
      opened: (session) => this.watch(session),
      closed: (session) => this.forget(session),
    });
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Watches the end of a session's token, if it has one. */
  watch(session: Session): void {
    const expiresAt = session.identity.expiresAt;
    if (expiresAt === undefined) return;
    let drawer = this.#drawers.get(expiresAt);
    if (drawer === undefined) this.#drawers.set(expiresAt, (drawer = new Set()));
    drawer.add(session);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Stops watching: the session has left, or its token is about to be another. */
  forget(session: Session): void {
    const expiresAt = session.identity.expiresAt;
    if (expiresAt === undefined) return;
    const drawer = this.#drawers.get(expiresAt);
    if (drawer?.delete(session) === true && drawer.size === 0) this.#drawers.delete(expiresAt);
  }

  #look(): void {
    const due = (Date.now() - this.#skewMs) / 1000;
    for (const [expiresAt, drawer] of this.#drawers) {
      if (expiresAt > due) continue;
      for (const session of drawer) session.close(4102);
      this.#drawers.delete(expiresAt);
    }
    if (this.#drawers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
