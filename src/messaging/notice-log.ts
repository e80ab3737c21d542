import { Injectable } from '@nestjs/common';
import { arrivedFrame, departedFrame, joinFrames, type Frame } from '../protocol/index.js';
import type { SessionListener } from '../sessions/session-listener.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { Peers, type Peer } from './peers.js';

/** Notices gathered before they are told although the window is still open. */
const MAX_GATHERED = 4096;

/**
 * Tells arrivals and departures to all others, in one order for everybody. Notices gather in a log until the turn or the
 * window ends; then each session gets what it has not yet seen, most of them the very same bytes.
 *
 *   log      arrived A · departed B · arrived C │
 *   old session: seen none ─────────────────────▶ all of it
 *   C itself:                         seen all ─▶ nothing
 *
 * A session that is sent something else meanwhile is first brought up to date, so that nobody hears of a message before
 * its sender's arrival.
 */
@Injectable()
export class NoticeLog implements SessionListener {
  readonly #arrivals: boolean;
  readonly #showUsers: boolean;
  readonly #toAll: boolean;
  readonly #peers: Peers | undefined;
  readonly #windowMs: number;
  #log: Frame[] = [];
  /** Notices that were told before those in the log. */
  #told = 0;
  #telling = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly registry: SessionRegistry,
    settings: Settings,
  ) {
    this.#arrivals = settings.arrivalNotices;
    this.#showUsers = settings.showUsers;
    this.#toAll = settings.noticeScope === 'all';
    this.#peers = settings.noticeScope === 'peers' ? new Peers() : undefined;
    this.#windowMs = settings.noticeWindowMs;
    registry.addListener('notices', this);
    if (this.#windowMs === 0) registry.flushScheduler.beforeFlush(() => this.#tell());
  }

  opened(session: Session): void {
    if (this.#arrivals) this.#log.push(arrivedFrame(session.id, this.#showUsers ? session.user : undefined));
    session.noticeOffset = this.#told + this.#log.length;
    if (this.#arrivals) this.#gathered();
  }

  /** Sends a session the notices of the window that are older than its end. */
  closing(session: Session): void {
    this.catchUp(session);
  }

  closed(session: Session, code: number): void {
    this.#departed(session, session.id, code);
  }

  /** A session of another node came. */
  remoteArrived(id: string, user: string | undefined): void {
    if (!this.#arrivals) return;
    this.#log.push(arrivedFrame(id, this.#showUsers ? user : undefined));
    this.#gathered();
  }

  remoteDeparted(id: string, code: number): void {
    this.#departed(id, id, code);
  }

  /** Notes that two sessions exchanged a message, where that decides who is told of a departure. */
  recordExchange(one: Peer, other: Peer): void {
    this.#peers?.record(one, other);
  }

  /** Brings a session up to date before it is sent something else. */
  catchUp(session: Session): void {
    const seen = session.noticeOffset - this.#told;
    if (seen >= this.#log.length) return;
    session.noticeOffset = this.#told + this.#log.length;
    session.send(joinFrames(this.#log.slice(seen)), this.#log.length - seen);
  }

  /** Sends a frame behind every notice that came before it. */
  send(session: Session, frame: Frame): void {
    this.catchUp(session);
    session.send(frame);
  }

  #departed(peer: Peer, id: string, code: number): void {
    if (this.#toAll) {
      this.#log.push(departedFrame(id, code));
      this.#gathered();
    } else if (this.#peers !== undefined) {
      const frame = departedFrame(id, code);
      for (const other of this.#peers.forget(peer)) if (typeof other !== 'string') this.send(other, frame);
    }
  }

  #gathered(): void {
    if (this.#telling) return;
    if (this.#log.length >= MAX_GATHERED) this.#tell();
    else if (this.#windowMs === 0) this.registry.flushScheduler.schedule();
    else this.#timer ??= setTimeout(() => this.#tell(), this.#windowMs).unref();
  }

  /** Tells everybody what is in the log. Writing may end a session that reads too slowly: that is told in a second round. */
  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#telling = true;
    try {
      while (this.#log.length > 0) this.#tellOnce();
    } finally {
      this.#telling = false;
    }
  }

  #tellOnce(): void {
    const { length } = this.#log;
    const all = joinFrames(this.#log);
    for (const session of this.registry.all()) {
      try {
        if (session.noticeOffset === this.#told) {
          session.noticeOffset = this.#told + length;
          session.send(all, length);
        } else this.catchUp(session);
      } catch (error) {
        session.fail(error); // the others get theirs
      }
    }
    this.#told += length;
    this.#log = this.#log.slice(length);
  }
}
