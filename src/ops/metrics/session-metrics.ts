import { Injectable } from '@nestjs/common';
import { CLOSE_CODES } from '../../protocol/index.js';
import type { Connection } from '../../sessions/connection.js';
import { trafficOf, type Traffic } from '../../sessions/session-details.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Log } from '../../telemetry/log.js';
import { Counters } from '../../telemetry/counters.js';

/** Close codes of clients that are counted separately. All others are counted as `OTHER_CODE`. */
const CLIENT_CODES = new Set([1000, 1001, 1005, 1006]);
const OTHER_CODE = 0;

/** Counts and logs sessions that open and end, and sums up their traffic. */
@Injectable()
export class SessionMetrics implements SessionListener {
  /** Ended sessions whose connection is still open. */
  readonly #closing = new Set<Session>();
  /** Bytes of all closed connections. */
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
    if (this.log.debugs) this.log.debug('connected', fieldsOf(session));
  }

  away(session: Session, code: number, connection: Connection): void {
    connection.onceClosed(() => this.#addTraffic(connection));
    this.log.debug('away', { code, ...fieldsOf(session) });
  }

  closed(session: Session, code: number): void {
    const byServer = code in CLOSE_CODES && code !== 1000;
    this.counters.count(this.counters.closed, byServer || CLIENT_CODES.has(code) ? code : OTHER_CODE);
    this.#closing.add(session);
    if (session.connection === undefined) this.#onConnectionClosed(session);
    else session.connection.onceClosed(() => this.#onConnectionClosed(session));
    if (byServer) this.log.info('closed', { code, ...fieldsOf(session) });
    else if (this.log.debugs) this.log.debug('departed', { code, ...fieldsOf(session) });
  }

  /** Returns the bytes of all connections since the start, without TLS. Iterates over all sessions. */
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

  #onConnectionClosed(session: Session): void {
    if (!this.#closing.delete(session)) return;
    if (session.connection !== undefined) this.#addTraffic(session.connection);
  }

  #addTraffic({ bytesRead, bytesWritten }: Connection): void {
    this.#bytesIn += bytesRead;
    this.#bytesOut += bytesWritten;
  }
}

/** Returns the log fields of a session; `address` is the one that trusted proxies report. */
function fieldsOf({ id, address, user }: Session): Record<string, string> {
  return { session: id, address, ...(user !== undefined && { user }) };
}
