import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { ABNORMAL, IdTable, PROTOCOL_VERSION, welcomeFrames, type Frame, type SessionPage } from '../protocol/index.js';
import { NodeIdentity } from '../lifecycle/node-identity.js';
import { Settings } from '../settings/settings.js';
import { SessionIds } from './session-id.js';
import { Session } from './session.js';
import type { SessionSocket } from './session-socket.js';
import { SlowConsumers } from './slow-consumers.js';
import { SortedIds } from './sorted-ids.js';
import { Turn } from './turn.js';

/** Is told of each arrival and departure, once, at the moment it is decided. */
export interface SessionObserver {
  /** The session has its welcome; nothing of it has been read yet. */
  arrived(session: Session): void;
  /** @param code the server's close code if it closed, else the client's; 1005 for an empty close frame, 1006 for a cut */
  departed(session: Session, code: number): void;
}

/** Who is here: the sessions of this node by their ids. */
@Injectable()
export class SessionRegistry {
  readonly #ids: SessionIds;
  readonly #sessions = new Map<string, Session>();
  /** The ids as the fast lane compares and writes them. */
  readonly idTable = new IdTable();
  /** The same sessions by the hash of their id, which the fast lane has at hand; ids are made so that no two share one. */
  readonly #byHash = new Map<number, Session>();
  readonly #order = new SortedIds(() => this.#sessions.keys());
  readonly #observers: SessionObserver[] = [];
  readonly #welcome: (session: string) => Frame;

  constructor(
    @Inject(Turn) readonly turn: Turn,
    @Inject(SlowConsumers) readonly slowConsumers: SlowConsumers,
    @Inject(Settings) settings: Settings,
    @Inject(NodeIdentity) node: NodeIdentity,
  ) {
    this.#ids = new SessionIds(node);
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

  observe(observer: SessionObserver): void {
    this.#observers.push(observer);
  }

  /** Opens the session of an accepted connection: its welcome is the first thing it is sent, at once. */
  open(socket: SessionSocket, request: IncomingMessage): Session {
    const { id, slot } = this.#unusedId();
    const session = new Session(id, socket, request, this);
    session.slot = slot;
    socket.session = session;
    socket.registry = this;
    this.#sessions.set(id, session);
    this.#byHash.set(this.idTable.hash(slot), session);
    this.#order.add(id);
    session.outbox.begin(this.#welcome(id));
    for (const observer of this.#observers) observer.arrived(session);
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
    if (session.ended) return;
    session.ended = true;
    this.#sessions.delete(session.id);
    this.#byHash.delete(this.idTable.hash(session.slot));
    this.idTable.remove(session.slot);
    this.#order.remove(session.id);
    for (const observer of this.#observers) observer.departed(session, code);
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
      session.ended = true;
      this.idTable.remove(session.slot);
      this.#order.remove(session.id);
    }
    for (const session of sessions) for (const observer of this.#observers) observer.departed(session, code);
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
