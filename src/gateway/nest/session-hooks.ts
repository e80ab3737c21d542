import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Log } from '../../telemetry/log.js';
import { GatewayExplorer } from './gateway-explorer.js';

/** Implemented by gateways that run code when a session opens. */
export interface OnSessionArrival {
  /** Runs after the session's welcome and before its first message. Messages do not wait for a returned promise. */
  onSessionArrival(session: Session): void | Promise<void>;
}

/** Implemented by gateways that run code when a session closes. */
export interface OnSessionDeparture {
  /**
   * Runs after the session has closed and its `onSessionArrival` hooks have settled.
   *
   * @param code close code of the server or the client; 1005 for an empty close frame, 1006 for a lost connection
   */
  onSessionDeparture(session: Session, code: number): void | Promise<void>;
}

type Hooked = Partial<OnSessionArrival & OnSessionDeparture>;

/**
 * Calls the session hooks of the gateways, in the order of their modules and providers. Logs the exceptions of hooks.
 * Departure hooks run in a microtask, because a session may close in the middle of a write.
 */
@Injectable()
export class SessionHooks implements OnModuleInit, SessionListener {
  readonly #gateways: Hooked[] = [];
  /** Sessions whose arrival hooks have not settled. */
  readonly #arriving = new WeakMap<Session, Promise<unknown>>();
  /** Departures whose hooks have not settled, from the moment at which the session closed. */
  readonly #departing = new Set<Promise<unknown>>();

  constructor(
    private readonly registry: SessionRegistry,
    private readonly explorer: GatewayExplorer,
    private readonly log: Log,
  ) {}

  onModuleInit(): void {
    for (const { instance } of this.explorer.gateways()) {
      const gateway = instance as Hooked;
      if (gateway.onSessionArrival || gateway.onSessionDeparture) this.#gateways.push(gateway);
    }
    if (this.#gateways.length > 0) this.registry.addListener('hooks', this);
  }

  opened(session: Session): void {
    const calls = this.#gateways.map((gateway) =>
      this.#call(gateway, 'onSessionArrival', session, () => gateway.onSessionArrival?.(session)),
    );
    const pending = calls.filter((call) => call !== undefined);
    if (pending.length > 0) this.#arriving.set(session, Promise.all(pending));
  }

  closed(session: Session, code: number): void {
    // A microtask runs after the write in the middle of which the session may have closed.
    const ready = this.#arriving.get(session) ?? Promise.resolve();
    const departing = ready.then(() => this.#depart(session, code));
    this.#departing.add(departing);
    void departing.then(() => this.#departing.delete(departing));
  }

  /** Resolves once the departure hooks of all sessions that have closed so far have settled, without a time limit. */
  async settled(): Promise<void> {
    await Promise.all(this.#departing);
  }

  #depart(session: Session, code: number): Promise<unknown> {
    const calls = this.#gateways.map((gateway) =>
      this.#call(gateway, 'onSessionDeparture', session, () => gateway.onSessionDeparture?.(session, code)),
    );
    return Promise.all(calls);
  }

  /** Runs a hook and logs its exception or rejection; returns a promise where the hook has not settled. */
  #call(gateway: Hooked, hook: string, session: Session, run: () => unknown): Promise<void> | undefined {
    const onError = (error: unknown): void => {
      const fields = { hook: `${gateway.constructor.name}.${hook}`, session: session.id };
      this.log.error(error, fields);
    };
    try {
      const outcome = run();
      return outcome instanceof Promise ? outcome.then(() => undefined, onError) : undefined;
    } catch (error) {
      onError(error);
      return undefined;
    }
  }
}
