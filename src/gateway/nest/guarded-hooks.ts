import type { INestApplication } from '@nestjs/common';
import { Counters } from '../../telemetry/counters.js';
import { Log } from '../../telemetry/log.js';
import { GatewayExplorer } from './gateway-explorer.js';

/** Nest's own hooks of a gateway. Nest calls them and ignores what they return. */
const HOOKS = ['afterInit', 'handleConnection', 'handleDisconnect'] as const;

type Hook = (this: unknown, ...parameters: unknown[]) => unknown;
type Hooked = object & { [Name in (typeof HOOKS)[number]]?: unknown };

const guarded = new WeakSet<Hook>();

/**
 * Wraps the hooks of all gateways so that an exception or a rejected promise is logged and goes no further. An unhandled
 * rejection would end the process. Disconnect hooks are counted while they run. Must run before Nest binds the hooks.
 */
export function guardHooks(app: INestApplication): void {
  const log = app.get(Log);
  const counters = app.get(Counters);
  for (const { metatype, instance, scoped } of app.get(GatewayExplorer).gateways()) {
    // The hooks of a scoped gateway are those of its prototype, because its instance is only a stand-in.
    const owner = (scoped ? metatype.prototype : instance) as Hooked;
    for (const name of HOOKS) {
      const hook = owner[name];
      if (typeof hook !== 'function' || guarded.has(hook as Hook)) continue;
      const onError = (error: unknown): void => log.error(error, { hook: `${metatype.name}.${name}` });
      const onPromise = (running: Promise<unknown>): void =>
        name === 'handleDisconnect' ? counters.departureHook(running) : undefined;
      const value = guard(hook as Hook, onError, onPromise);
      guarded.add(value);
      Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    }
  }
}

function guard(hook: Hook, onError: (error: unknown) => void, onPromise: (running: Promise<unknown>) => void): Hook {
  return function (...parameters) {
    try {
      const outcome = hook.apply(this, parameters);
      if (outcome instanceof Promise) onPromise(outcome.catch(onError));
    } catch (error) {
      onError(error);
    }
  };
}
