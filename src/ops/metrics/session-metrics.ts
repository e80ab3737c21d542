import { Injectable } from '@nestjs/common';
import { CLOSE_CODES } from '../../protocol/index.js';
import { resumptionOf } from '../../resume/session-resumption.js';
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

/** Counts and logs sessions that open, lose their connections, return and end, and sums up their traffic. */
@Injectable()
export class SessionMetrics implements SessionListener {
  /** Open connections of sessions that have ended or are away. */
  readonly #closing = new Set<Connection>();
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
    this.#addClosing(connection);
    if (this.log.debugs) this.log.debug('away', { code, ...fieldsOf(session) });
  }

  back(session: Session): void {
    if (this.log.debugs) this.log.debug('back', { ...fieldsOf(session), awayMs: resumptionOf(session)?.awayMs });
  }

  closed(session: Session, code: number): void {
    const byServer = code in CLOSE_CODES && code !== 1000;
    this.counters.count(this.counters.closed, byServer || CLIENT_CODES.has(code) ? code : OTHER_CODE);
    if (session.connection !== undefined) this.#addClosing(session.connection);
    if (byServer) this.log.info('closed', { code, ...fieldsOf(session) });
    else if (this.log.debugs) this.log.debug('departed', { code, ...fieldsOf(session) });
  }

  /** Returns the bytes of all connections since the start, without TLS. Iterates over all sessions. */
  traffic(): Traffic {
    let bytesIn = this.#bytesIn;
    let bytesOut = this.#bytesOut;
    const add = (connection: Connection | undefined): void => {
      const traffic = trafficOf(connection);
      bytesIn += traffic.bytesIn;
      bytesOut += traffic.bytesOut;
    };
    for (const { connection } of this.sessions.all()) add(connection);
    for (const connection of this.#closing) add(connection);
    return { bytesIn, bytesOut };
  }

  #addClosing(connection: Connection): void {
    this.#closing.add(connection);
    connection.onceClosed(() => this.#onConnectionClosed(connection));
  }

  #onConnectionClosed(connection: Connection): void {
    if (!this.#closing.delete(connection)) return;
    const { bytesIn, bytesOut } = trafficOf(connection);
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
  }
}

/** Returns the log fields of a session; `address` is the one that trusted proxies report. */
function fieldsOf({ id, address, user }: Session): Record<string, string> {
  return { session: id, address, ...(user !== undefined && { user }) };
}
