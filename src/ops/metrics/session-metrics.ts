import { Injectable } from '@nestjs/common';
import { CLOSE_CODES } from '../../protocol/index.js';
import { trafficOf, type Traffic } from '../../sessions/session-details.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Log } from '../../telemetry/log.js';
import { Counters } from '../../telemetry/counters.js';

/** Codes that clients may close with and that are told apart; all others count as one. */
const CLIENT_CODES = new Set([1000, 1001, 1005, 1006]);
const OTHER = 0;

/** Counts and logs who comes and goes, and adds up what they sent and were sent. */
@Injectable()
export class SessionMetrics implements SessionListener {
  /** Sessions that have ended and whose socket is still open. */
  readonly #closing = new Set<Session>();
  /** Bytes of all sockets that are gone. */
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {
    sessions.addListener('metrics', this);
  }

  opened(session: Session): void {
    this.counters.opened++;
    if (this.log.debugs) this.log.debug('connected', who(session));
  }

  closed(session: Session, code: number): void {
    const byServer = code in CLOSE_CODES && code !== 1000;
    this.counters.count(this.counters.closed, byServer || CLIENT_CODES.has(code) ? code : OTHER);
    this.#closing.add(session);
    session.connection?.onceClosed(() => this.#gone(session));
    if (session.connection?.isClosed !== false) this.#gone(session);
    if (byServer) this.log.info('closed', { code, ...who(session) });
    else if (this.log.debugs) this.log.debug('departed', { code, ...who(session) });
  }

  /** What all connections carried since the start, TLS aside. Walks over all sessions. */
  traffic(): Traffic {
    let bytesIn = this.#bytesIn;
    let bytesOut = this.#bytesOut;
    for (const sessions of [this.sessions.all(), this.#closing])
      for (const session of sessions) {
        const traffic = trafficOf(session);
        bytesIn += traffic.bytesIn;
        bytesOut += traffic.bytesOut;
      }
    return { bytesIn, bytesOut };
  }

  #gone(session: Session): void {
    if (!this.#closing.delete(session)) return;
    const { bytesIn, bytesOut } = trafficOf(session);
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
  }
}

/** Whom a line of the log is about: the address as proxies tell it that are trusted. */
function who({ id, address, user }: Session): Record<string, string> {
  return { session: id, address, ...(user !== undefined && { user }) };
}
