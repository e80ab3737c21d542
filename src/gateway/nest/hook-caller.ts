import { Injectable } from '@nestjs/common';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';
import { Log } from '../../telemetry/log.js';
import { HandlerTimeouts, type TimeoutListener } from '../dispatch/handler-timeouts.js';
import { OwnContext } from '../dispatch/own-context.js';
import type { ExploredGateway } from './gateway-explorer.js';
import { isThenable } from '../thenable.js';

/** Nest's hooks of a gateway, and those of this server. */
export const HOOK_NAMES = [
  'afterInit',
  'handleConnection',
  'handleDisconnect',
  'onSessionArrival',
  'onSessionDeparture',
  'onSessionAway',
  'onSessionBack',
  'onRoomJoined',
  'onRoomLeft',
] as const;

export type HookName = (typeof HOOK_NAMES)[number];

export type Hooks = Readonly<Partial<Record<HookName, unknown>>>;

/** A gateway, and the instance of it whose hooks are called. */
export interface HookedGateway {
  readonly gateway: ExploredGateway;
  readonly instance: object;
}

/** Ignores late hooks, because {@link HookCaller} logs what they throw. */
const IGNORED: TimeoutListener<Session> = { timedOut: () => undefined, failedLate: () => undefined };

/** Calls single hooks. An exception or a rejected promise of a hook is logged and goes no further. */
@Injectable()
export class HookCaller {
  /** Holds no store of a session. Each hook runs in a child of this context. */
  readonly #context = new OwnContext();
  readonly #timeoutMs: number;

  constructor(
    private readonly log: Log,
    { handlerTimeoutMs }: Settings,
  ) {
    this.#timeoutMs = handlerTimeoutMs;
  }

  /** Makes limits of `HANDLER_TIMEOUT_MS` for hooks. @param kind names the hooks in the error */
  timeouts(kind: string): HandlerTimeouts<Session> {
    return new HandlerTimeouts(this.#timeoutMs, IGNORED, kind);
  }

  /**
   * Calls a hook where the instance has it; returns a promise, which never rejects, where the hook has not settled.
   *
   * @param session named in the log; `undefined` for `afterInit`
   */
  call(
    hooked: HookedGateway,
    name: HookName,
    session: Session | undefined,
    ...parameters: unknown[]
  ): Promise<void> | undefined {
    const { instance } = hooked;
    try {
      const hook = (instance as Hooks)[name];
      if (typeof hook !== 'function') return undefined;
      const outcome = this.#context.run((all) => Reflect.apply(hook, instance, all) as unknown, parameters);
      return isThenable(outcome) ? this.#settled(outcome, hooked, name, session) : undefined;
    } catch (error) {
      this.#hookFailed(error, hooked, name, session);
      return undefined;
    }
  }

  /** Logs what a hook has thrown. @param hook class and method; several names where several hooks share the error */
  failed(error: unknown, session: Session | undefined, hook: string): void {
    this.log.error(error, { hook, session: session?.id });
  }

  async #settled(
    outcome: PromiseLike<unknown>,
    hooked: HookedGateway,
    name: HookName,
    session: Session | undefined,
  ): Promise<void> {
    try {
      await outcome;
    } catch (error) {
      this.#hookFailed(error, hooked, name, session);
    }
  }

  #hookFailed(error: unknown, { gateway }: HookedGateway, name: HookName, session: Session | undefined): void {
    this.failed(error, session, `${gateway.metatype.name}.${name}`);
  }
}
