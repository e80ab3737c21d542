import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { ABNORMAL, IdTable, PROTOCOL_VERSION, welcomeFrames, type Frame, type SessionPage } from '../protocol/index.js';
import { NodeIdentity } from '../node/node-identity.js';
import { Settings } from '../settings/settings.js';
import { SessionIdGenerator } from './session-id-generator.js';
import { Session } from './session.js';
import type { SessionSocket } from './session-socket.js';
import { SlowConsumers } from './slow-consumers.js';
import { SortedIds } from './sorted-ids.js';
import { FlushScheduler } from './flush-scheduler.js';

/** Is told of each arrival and departure, once, at the moment it is decided. */
export interface SessionListener {
  /** The session has its welcome; nothing of it has been read yet. */
  opened(session: Session): void;
  /** @param code the server's close code if it closed, else the client's; 1005 for an empty close frame, 1006 for a cut */
  closed(session: Session, code: number): void;
}

/** Who is here: the sessions of this node by their ids. */
@Injectable()
export class SessionRegistry {
  readonly #ids: SessionIdGenerator;
  readonly #sessions = new Map<string, Session>();
  /** The ids as the fast lane compares and writes them. */
  readonly idTable = new IdTable();
  /** The same sessions by the hash of their id, which the fast lane has at hand; ids are made so that no two share one. */
  readonly #byHash = new Map<number, Session>();
  readonly #order = new SortedIds(() => this.#sessions.keys());
  readonly #observers: SessionListener[] = [];
  readonly #welcome: (session: string) => Frame;

  constructor(
    readonly flushScheduler: FlushScheduler,
    readonly slowConsumers: SlowConsumers,
    settings: Settings,
    node: NodeIdentity,
  ) {
    this.#ids = new SessionIdGenerator(node);
    this.#welcome = welcomeFrames({
      protocol: PROTOCOL_VERSION,
      heartbeatMs: settings.heartbeatMs,
      maxMessageBytes: settings.maxMessageBytes,
      notices: settings.noticeScope,
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  addListener(observer: SessionListener): void {
    this.#observers.push(observer);
  }

  /** Opens the session of an accepted connection: its welcome is the first thing it is sent, at once. */
  open(socket: SessionSocket, request: IncomingMessage): Session {
    const { id, slot } = this.#unusedId();
    const session = new Session(id, socket, request, this);
    session.idSlot = slot;
    socket.session = session;
    socket.registry = this;
    this.#sessions.set(id, session);
    this.#byHash.set(this.idTable.hash(slot), session);
    this.#order.add(id);
    session.outbox.writeNow(this.#welcome(id));
    for (const observer of this.#observers) observer.opened(session);
    return session;
  }

  /** Ends the session of a socket that closed by whatever cause; does nothing if it has ended before. */
  close(socket: SessionSocket, code: number): void {
    const { session } = socket;
    if (session === undefined) return;
    this.end(session, code);
    session.outbox.discard();
  }

  /** Takes a session off the map and tells the observers, exactly once. */
  end(session: Session, code: number = ABNORMAL): void {
    if (session.closed) return;
    session.closed = true;
    this.#sessions.delete(session.id);
    this.#byHash.delete(this.idTable.hash(session.idSlot));
    this.idTable.remove(session.idSlot);
    this.#order.remove(session.id);
    for (const observer of this.#observers) observer.closed(session, code);
  }

  /**
   * Ends all sessions at one moment, so that none of them is told of another, and returns them; their sockets are still
   * open and to be closed by the caller. What they had been sent until then has left their outboxes.
   */
  endAll(code: number): Session[] {
    const sessions = [...this.#sessions.values()];
    for (const session of sessions) session.outbox.flushAll();
    this.#sessions.clear();
    this.#byHash.clear();
    for (const session of sessions) {
      session.closed = true;
      this.idTable.remove(session.idSlot);
      this.#order.remove(session.id);
    }
    for (const session of sessions) for (const observer of this.#observers) observer.closed(session, code);
    return sessions;
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** Finds a session by {@link idHashAt} of its id. The caller must compare the id: a stranger may share the hash. */
  findByHash(hash: number): Session | undefined {
    return this.#byHash.get(hash);
  }

  /** One page of this node's ids in order. @param after the last page's `next` */
  page(after: string | undefined, limit: number): SessionPage {
    return this.#order.page(after, limit);
  }

  all(): MapIterator<Session> {
    return this.#sessions.values();
  }

  /** Sends the same bytes to everyone. */
  sendAll(frame: Frame): void {
    for (const session of this.#sessions.values()) session.send(frame);
  }

  #unusedId(): { id: string; slot: number } {
    for (;;) {
      const id = this.#ids.next();
      const slot = this.idTable.add(id);
      if (!this.#byHash.has(this.idTable.hash(slot))) return { id, slot };
      this.idTable.remove(slot);
    }
  }
}
