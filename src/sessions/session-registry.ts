import { Injectable } from '@nestjs/common';
import { ABNORMAL, endsSession, type Frame, type ServerCloseCode } from '../protocol/index.js';
import { NodeIdentity } from '../node/node-identity.js';
import { logIncident } from '../telemetry/incident.js';
import { Log } from '../telemetry/log.js';
import { BlockPool } from './block-pool.js';
import type { Connection } from './connection.js';
import { FlushScheduler } from './flush-scheduler.js';
import type { Identity } from './identity.js';
import type { Resumption } from './resumption.js';
import { SessionHashTable } from './session-hash-table.js';
import { SessionListeners, type ListenerPhase, type SessionListener } from './session-listener.js';
import { SessionParts } from './session-parts.js';
import { Session, type SessionOwner } from './session.js';
import { SlowConsumers } from './slow-consumers.js';
import { SortedIds, type IdPage } from './sorted-ids.js';

/** Events whose listeners must all have run for a session to work. */
const FAILING_EVENTS: ReadonlySet<keyof SessionListener> = new Set(['opened', 'announced', 'restored', 'away', 'back']);

/** Holds the open sessions of this node. Every session opens and ends in this class. */
@Injectable()
export class SessionRegistry implements SessionOwner {
  /** The data that other folders keep of each session. */
  readonly parts = new SessionParts();
  readonly #sessions = new Map<string, Session>();
  readonly #hashTable: SessionHashTable;
  readonly #order = new SortedIds(() => this.#sessions.keys());
  readonly #listeners = new SessionListeners((event, session, error) =>
    FAILING_EVENTS.has(event) ? this.fail(session, error) : this.#logIncident(session, error),
  );

  constructor(
    readonly flushScheduler: FlushScheduler,
    readonly blockPool: BlockPool,
    readonly slowConsumers: SlowConsumers,
    node: NodeIdentity,
    private readonly log: Log,
  ) {
    this.#hashTable = new SessionHashTable(node);
  }

  /** Number of open sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /** The ids in the form that the fast router compares and writes. */
  get idTable(): SessionHashTable['ids'] {
    return this.#hashTable.ids;
  }

  addListener(phase: ListenerPhase, listener: SessionListener): void {
    this.#listeners.add(phase, listener);
  }

  /** Creates a session under an unused id. The caller attaches a connection, then calls {@link open}. */
  create(identity: Identity): Session {
    const { id, idSlot } = this.#hashTable.allocate();
    return new Session(id, idSlot, identity, this);
  }

  /**
   * Opens a session: sends its welcome at once, before anything else, and calls the listeners.
   *
   * @param hooks run before others are notified, so that nobody is notified of a session that they close
   */
  open(session: Session, welcome: Frame, hooks?: () => void): void {
    this.#add(session);
    session.sendNow(welcome);
    this.#listeners.opened(session);
    hooks?.();
    this.announce(session);
  }

  /** Notifies others of a session, once. Call it before a message in the name of a session that may still be opening. */
  announce(session: Session): void {
    if (session.announced || session.closed) return;
    session.announced = true;
    this.#listeners.announced(session);
  }

  /** Removes a session and calls the listeners; does nothing once the session has ended. */
  end(session: Session, code: number = ABNORMAL): void {
    if (session.closed) return;
    this.#listeners.closing(session, code);
    this.drop(session, code);
  }

  /** Does the same as {@link end}, but the session is not sent what it is owed, because it does not read. */
  drop(session: Session, code: number): void {
    if (session.closed) return;
    this.#remove(session);
    this.#closed(session, code);
  }

  /**
   * Takes the connection of a session, because it is lost or is about to close: the session is away. Ends a session that
   * cannot come back. Does nothing where another connection is attached, or none.
   */
  lose(session: Session, connection: Connection, code: number): void {
    if (session.resumption === null) return this.end(session, code);
    if (session.closed || session.connection !== connection) return;
    session.detach();
    this.#listeners.away(session, code, connection);
  }

  /** Attaches the connection with which the client of a session has come back. The session must be away. */
  resume(session: Session, connection: Connection, welcome: Frame): void {
    session.attach(connection);
    session.sendNow(welcome);
    this.#listeners.back(session);
  }

  /**
   * Opens a session under the id that a former process gave it. The session is away, and the others know it. Returns
   * `undefined` where the id cannot be used.
   *
   * @param openedAtMs when the session opened, Unix time
   */
  restore(id: string, identity: Identity, resumption: Resumption, openedAtMs: number): Session | undefined {
    const idSlot = this.#hashTable.adopt(id);
    if (idSlot === undefined) return undefined;
    const session = new Session(id, idSlot, identity, this, openedAtMs);
    session.makeResumable(resumption);
    session.announced = true;
    this.#add(session);
    this.#listeners.restored(session);
    return session;
  }

  /** Removes sessions that another process takes up. Calls no listener, because they have not ended. */
  handOver(sessions: readonly Session[]): void {
    for (const session of sessions) this.#remove(session);
  }

  /** Calls the listeners for sessions of {@link handOver} that no process takes up. */
  handOverFailed(sessions: readonly Session[], code: number): void {
    for (const session of sessions) this.#closed(session, code);
  }

  /**
   * Ends open sessions, by default all, at one moment, so that none gets the departure of another, and returns them.
   * The caller closes their connections. All frames sent before have left the outboxes.
   */
  endAll(code: number, sessions: readonly Session[] = [...this.#sessions.values()]): readonly Session[] {
    for (const session of sessions) this.#listeners.closing(session, code);
    for (const session of sessions) this.#attempt(session, () => session.outbox.flushAll());
    const open = sessions.filter(({ closed }) => !closed); // one that cannot be written to has failed and ended
    for (const session of open) this.#remove(session);
    for (const session of open) this.#closed(session, code);
    return sessions;
  }

  /**
   * Closes open sessions, by default all, at one moment: their number would else square the notices of their departures.
   * Those that may come back are away then, where the code leaves them that.
   */
  closeAll(code: ServerCloseCode, sessions: readonly Session[] = [...this.#sessions.values()]): void {
    const stay = (session: Session): boolean => session.resumption !== null && !endsSession(code, 'server');
    for (const session of this.endAll(
      code,
      sessions.filter((each) => !stay(each)),
    ))
      this.#attempt(session, () => session.close(code));
    for (const session of sessions) if (stay(session)) session.connection?.close(code);
  }

  /**
   * Logs what code that works for a session has thrown, and closes the session with 1011. Never throws. One fault must
   * end one session and not the process with all of them.
   */
  fail(session: Session, error: unknown): void {
    this.#logIncident(session, error);
    if (session.failed) return;
    session.failed = true;
    try {
      session.close(1011);
    } catch {
      session.connection?.terminate();
    }
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** Finds a session by `idHashAt` of its id. The caller must compare the id, because other ids may share the hash. */
  findByHash(hash: number): Session | undefined {
    return this.#hashTable.find(hash);
  }

  /** Returns one page of the ids in order. @param after the last page's `next` */
  page(after: string | undefined, limit: number): IdPage {
    return this.#order.page(after, limit);
  }

  all(): MapIterator<Session> {
    return this.#sessions.values();
  }

  /** Does work for one of many sessions; that session fails alone where the work throws. */
  #attempt(session: Session, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(session, error);
    }
  }

  #logIncident({ id, address }: Session, error: unknown): void {
    logIncident(this.log, error, { session: id, address });
  }

  #add(session: Session): void {
    this.#sessions.set(session.id, session);
    this.#hashTable.add(session);
    this.#order.add(session.id);
  }

  #closed(session: Session, code: number): void {
    this.#listeners.closed(session, code);
    session.work?.drop();
  }

  #remove(session: Session): void {
    session.closed = true;
    this.#sessions.delete(session.id);
    this.#hashTable.remove(session);
    this.#order.remove(session.id);
  }
}
