import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { GATEWAY_METADATA } from '@nestjs/websockets/constants.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Log } from '../../telemetry/log.js';

/** A gateway class with this method is told of each session that came. */
export interface OnSessionArrival {
  /** Runs after the session's welcome and before any message of it. A promise is not awaited by its messages. */
  onSessionArrival(session: Session): void | Promise<void>;
}

/** A gateway class with this method is told of each session that left. */
export interface OnSessionDeparture {
  /**
   * Runs once the session has left, after its arrival hooks are done.
   *
   * @param code the server's close code if it closed, else the client's; 1005 for an empty close frame, 1006 for a cut
   */
  onSessionDeparture(session: Session, code: number): void | Promise<void>;
}

type Hooked = Partial<OnSessionArrival & OnSessionDeparture>;

interface Departure {
  readonly session: Session;
  readonly code: number;
}

/**
 * Calls the hooks of the gateway classes, in the order of their modules and providers. What a hook throws is logged and
 * goes no further. Departures are told a moment after they are decided, so that no hook runs in the middle of a write; no
 * session has more than one waiting.
 */
@Injectable()
export class SessionHooks implements OnModuleInit, SessionListener {
  readonly #hooked: Hooked[] = [];
  /** Arrivals whose hooks are still at work. */
  readonly #arriving = new WeakMap<Session, Promise<unknown>>();
  #left: Departure[] = [];

  constructor(
    private readonly registry: SessionRegistry,
    private readonly modules: ModulesContainer,
    private readonly log: Log,
  ) {}

  onModuleInit(): void {
    for (const module of this.modules.values())
      for (const { metatype, instance } of module.providers.values()) {
        if (typeof metatype !== 'function' || !Reflect.hasMetadata(GATEWAY_METADATA, metatype)) continue;
        const hooked = instance as Hooked;
        if (hooked.onSessionArrival || hooked.onSessionDeparture) this.#hooked.push(hooked);
      }
    if (this.#hooked.length > 0) this.registry.addListener('hooks', this);
  }

  opened(session: Session): void {
    const work = this.#hooked.map((gateway) =>
      this.#call(gateway, 'onSessionArrival', session, () => gateway.onSessionArrival?.(session)),
    );
    const unfinished = work.filter((each) => each !== undefined);
    if (unfinished.length > 0) this.#arriving.set(session, Promise.all(unfinished));
  }

  closed(session: Session, code: number): void {
    this.#left.push({ session, code });
    if (this.#left.length === 1) process.nextTick(() => this.#tell());
  }

  #tell(): void {
    const departures = this.#left;
    this.#left = [];
    for (const departure of departures) {
      const arriving = this.#arriving.get(departure.session);
      if (arriving === undefined) this.#depart(departure);
      else void arriving.then(() => this.#depart(departure));
    }
  }

  #depart({ session, code }: Departure): void {
    for (const gateway of this.#hooked)
      void this.#call(gateway, 'onSessionDeparture', session, () => gateway.onSessionDeparture?.(session, code));
  }

  /** Runs a hook and logs its failure, now or later; returns what is still to be waited for. */
  #call(gateway: Hooked, hook: string, session: Session, run: () => unknown): Promise<void> | undefined {
    const failed = (error: unknown): void => {
      const fields = { hook: `${gateway.constructor.name}.${hook}`, session: session.id };
      this.log.error(error, fields);
    };
    try {
      const outcome = run();
      return outcome instanceof Promise ? outcome.then(() => undefined, failed) : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }
}
