import type { Connection } from './connection.js';
import type { Session } from './session.js';

/** Receives what happens to each session: its opening and its end once, and each loss of its connection between. */
export interface SessionListener {
  /** Called after the welcome is written and before anything is read from the client. */
  opened?(session: Session): void;
  /**
   * Called last in an opening, after all `opened` listeners and the hooks of the connection. Not called for a session that
   * one of them has closed.
   */
  announced?(session: Session): void;
  /**
   * Called in place of `opened` and `announced` for a session of a former process, which is away. Others know the session
   * already, so no listener notifies them.
   */
  restored?(session: Session): void;
  /**
   * Called when the connection of a session is lost and the client may come back.
   *
   * @param code of the close frame; 1005 for an empty one, 1006 for a cut
   * @param connection the lost connection, which is not attached any more
   */
  away?(session: Session, code: number, connection: Connection): void;
  /** Called when the client of an away session has come back, with another connection attached. */
  back?(session: Session): void;
  /**
   * Called before the session is removed, so that it can still be sent frames that it is owed.
   *
   * @param code as in {@link closed}
   */
  closing?(session: Session, code: number): void;
  /**
   * @param code the server's close code if it closed, else the client's; 1005 for an empty close frame, 1006 for a cut
   */
  closed?(session: Session, code: number): void;
}

/**
 * Phases of listeners, in the order in which listeners are called for each event.
 * `drain` is the last phase, because its listener may close the session that has just opened.
 */
export const LISTENER_PHASES = [
  'directory',
  'notices',
  'groups',
  'departures',
  'cluster',
  'presence',
  'away',
  'limits',
  'expiry',
  'heartbeat',
  'metrics',
  'hooks',
  'drain',
] as const;

export type ListenerPhase = (typeof LISTENER_PHASES)[number];

type AnyListener = (session: Session, code?: number, connection?: Connection) => void;

/**
 * Listeners in the order of {@link LISTENER_PHASES}, whatever the order in which they are added. A listener that throws
 * keeps no other from being called, because each of them counts or releases something of the session.
 */
export class SessionListeners {
  readonly #entries: { readonly rank: number; readonly listener: SessionListener }[] = [];
  /** The listeners of each event, because most listeners have no use for some. */
  #listeners: Readonly<Record<keyof SessionListener, readonly SessionListener[]>> = {
    opened: [],
    announced: [],
    restored: [],
    away: [],
    back: [],
    closing: [],
    closed: [],
  };

  /** @param onError receives what a listener has thrown */
  constructor(private readonly onError: (event: keyof SessionListener, session: Session, error: unknown) => void) {}

  /** Adds a listener behind those of its phase. */
  add(phase: ListenerPhase, listener: SessionListener): void {
    const rank = LISTENER_PHASES.indexOf(phase);
    const index = this.#entries.findIndex((entry) => entry.rank > rank);
    this.#entries.splice(index === -1 ? this.#entries.length : index, 0, { rank, listener });
    const having = (event: keyof SessionListener): readonly SessionListener[] =>
      this.#entries.flatMap((entry) => (entry.listener[event] === undefined ? [] : [entry.listener]));
    this.#listeners = {
      opened: having('opened'),
      announced: having('announced'),
      restored: having('restored'),
      away: having('away'),
      back: having('back'),
      closing: having('closing'),
      closed: having('closed'),
    };
  }

  opened(session: Session): void {
    this.#callAll('opened', session);
  }

  announced(session: Session): void {
    this.#callAll('announced', session);
  }

  restored(session: Session): void {
    this.#callAll('restored', session);
  }

  away(session: Session, code: number, connection: Connection): void {
    this.#callAll('away', session, code, connection);
  }

  back(session: Session): void {
    this.#callAll('back', session);
  }

  closing(session: Session, code: number): void {
    this.#callAll('closing', session, code);
  }

  closed(session: Session, code: number): void {
    this.#callAll('closed', session, code);
  }

  // No closure for each call, because thousands of sessions may open or close in one turn.
  #callAll(event: keyof SessionListener, session: Session, code?: number, connection?: Connection): void {
    for (const listener of this.#listeners[event]) {
      try {
        (listener[event] as AnyListener).call(listener, session, code, connection);
      } catch (error) {
        this.onError(event, session, error);
      }
    }
  }
}
