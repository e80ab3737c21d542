import { Injectable } from '@nestjs/common';
import { ABNORMAL, arrivedFrame, departedFrame, type Frame } from '../protocol/index.js';
import type { SessionListener } from '../sessions/session-listener.js';
import type { SessionPart } from '../sessions/session-parts.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { FrameLog } from './frame-log.js';
import { Peers, type SessionRef } from './peers.js';

/** Notices in the log at which it is flushed before the window ends. */
const MAX_LOG_NOTICES = 4096;

/**
 * Sends notices of arrivals and departures to all other sessions, in one order. Notices gather in a log until the turn or
 * `NOTICE_WINDOW_MS` ends. Then each session gets those behind its offset, as a part of the very same bytes.
 *
 *   log          arrived A · departed B · arrived C │
 *   old session: offset at the start ───────────────▶ all notices
 *   C itself:                    offset at the end ─▶ nothing
 *
 * Before any other frame a session is caught up, so that no message precedes the arrival of its sender.
 */
@Injectable()
export class NoticeLog implements SessionListener, SessionPart {
  readonly #arrivals: boolean;
  readonly #showUsers: boolean;
  /** Whether all sessions get `sys.departed`. No session does where there are no peers either: `rooms` and `none`. */
  readonly #toAll: boolean;
  readonly #peers: Peers | undefined;
  readonly #windowMs: number;
  #log = new FrameLog();
  /** Notices flushed before those in the log: the offset of the log's first notice. */
  #flushed = 0;
  #flushing = false;
  /** Sessions of which the log holds `sys.away` or `sys.back`. */
  readonly #changed = new Set<string>();
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
    registry.parts.add('peers', this);
    // Behind the groups, so that `sys.left` precedes `sys.departed` although it does not catch up.
    registry.addListener('departures', { closed: (session, code) => this.#closed(session, code) });
    if (this.#windowMs === 0) registry.flushScheduler.beforeFlush(() => this.#flush());
  }

  opened(session: Session): void {
    session.noticeOffset = this.#flushed + this.#log.length;
  }

  announced(session: Session): void {
    if (!this.#arrivals) return;
    this.catchUp(session);
    this.#log.push(arrivedFrame(session.id, this.#showUsers ? session.user : undefined));
    session.noticeOffset++; // a session gets no notice of itself
    this.#schedule();
  }

  restored(session: Session): void {
    this.opened(session);
  }

  /** Sends the notices of the window now. */
  flush(): void {
    this.#flush();
  }

  /** Lists the ids of the peers of a session, for a restart. */
  save(session: Session): readonly string[] | undefined {
    return this.#peers?.idsOf(session);
  }

  /** Records the peers of a session that were restored as well. The others have ended. */
  restore(session: Session, peers: readonly string[]): void {
    for (const id of peers) {
      const peer = this.registry.find(id);
      if (peer !== undefined) this.recordExchange(session, peer);
    }
  }

  /** Sends a session the notices of the window that are older than its end, where its connection was not cut. */
  closing(session: Session, code: number): void {
    if (code !== ABNORMAL) this.catchUp(session);
  }

  /** Adds the arrival of a remote session. */
  remoteArrived(id: string, user: string | undefined): void {
    if (!this.#arrivals) return;
    this.#log.push(arrivedFrame(id, this.#showUsers ? user : undefined));
    this.#schedule();
  }

  /** Adds the departure of a remote session. */
  remoteDeparted(id: string, code: number): void {
    this.#addDeparture(id, id, code);
  }

  /**
   * Adds `sys.away` or `sys.back` of a session for all others, where `NOTICE_SCOPE` is `all`.
   *
   * @param self the session, where it is a local one
   * @returns `false` in any other scope
   */
  addStateNotice(id: string, notice: Frame, self: Session | undefined): boolean {
    if (!this.#toAll) return false;
    if (self !== undefined) this.catchUp(self);
    this.#log.push(notice);
    if (self !== undefined) self.noticeOffset++; // a session gets no notice of itself
    this.#changed.add(id);
    this.#schedule();
    return true;
  }

  /**
   * Sends the log where it holds `sys.away` or `sys.back` of this session. Call it before `sys.left`, which overtakes the
   * log.
   */
  sendStateNotice(id: string): void {
    if (this.#changed.has(id) && !this.#flushing) this.#flush();
  }

  /** Returns the local peers of a session, where `NOTICE_SCOPE` is `peers`. @param ref a local session, or the id of a remote one */
  peersOf(ref: SessionRef): readonly Session[] {
    const peers = this.#peers === undefined ? [] : [...this.#peers.of(ref)];
    return peers.filter((peer) => typeof peer !== 'string');
  }

  /** Records that two sessions exchanged a message, where `NOTICE_SCOPE` is `peers`. */
  recordExchange(one: SessionRef, other: SessionRef): void {
    this.#peers?.record(one, other);
  }

  /**
   * Sends a session the notices behind its offset. Call it before any other frame. For a session that is away they are
   * kept, or counted in `sys.gap` where they do not fit.
   */
  catchUp(session: Session): void {
    const from = session.noticeOffset - this.#flushed;
    if (from >= this.#log.length) return;
    session.noticeOffset = this.#flushed + this.#log.length;
    const notices = this.#log.length - from;
    this.#sendRun(session, this.#log.joinedFrom(from), notices);
  }

  /** Sends a frame of many sessions, after every notice added before. */
  send(session: Session, frame: Frame): void {
    this.catchUp(session);
    session.sendShared(frame);
  }

  /**
   * Sends a notice to a session that may have to miss it, after every notice added before. The notice of an end needs
   * `Session.sendNotice` alone: it precedes the `sys.departed`, and thousands of ends at one moment share one run.
   */
  notify(session: Session, notice: Frame): void {
    this.catchUp(session);
    session.sendNotice(notice);
  }

  /** Counts a message that a session is not sent because it reads too slowly, after every notice added before. */
  miss(session: Session): void {
    this.catchUp(session);
    session.missMessage();
  }

  #closed(session: Session, code: number): void {
    if (session.announced || !this.#toAll) this.#addDeparture(session, session.id, code);
  }

  #addDeparture(peer: SessionRef, id: string, code: number): void {
    if (this.#toAll) {
      this.#log.push(departedFrame(id, code));
      this.#schedule();
    } else if (this.#peers !== undefined) {
      const frame = departedFrame(id, code);
      for (const other of this.#peers.forget(peer)) {
        if (typeof other === 'string') continue;
        this.catchUp(other);
        this.#sendRun(other, frame, 1);
      }
    }
  }

  #sendRun(session: Session, run: Frame, notices: number): void {
    if (session.state !== 'away') return session.sendShared(run, notices);
    if (session.refusesNotice(run.length)) return session.outbox.miss('notices', notices);
    session.sendShared(run, notices);
    session.outbox.flush(); // the budget must count this run before thousands of other sessions get theirs
  }

  #schedule(): void {
    if (this.#flushing) return;
    if (this.#log.length >= MAX_LOG_NOTICES) this.#flush();
    else if (this.#windowMs === 0) this.registry.flushScheduler.schedule();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#windowMs).unref();
  }

  /** Sends the log to all sessions. Repeats it for new notices, because writing may end a session that reads too slowly. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = true;
    try {
      while (this.#log.length > 0) this.#flushOnce();
    } finally {
      this.#flushing = false;
    }
  }

  #flushOnce(): void {
    const { length } = this.#log;
    for (const session of this.registry.all()) {
      try {
        this.catchUp(session);
      } catch (error) {
        session.fail(error); // the notices of all other sessions go on
      }
    }
    this.#flushed += length;
    this.#changed.clear();
    this.#log = this.#log.after(length);
  }
}
