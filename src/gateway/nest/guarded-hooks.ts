import type { INestApplication } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { GATEWAY_METADATA } from '@nestjs/websockets/constants.js';
import { Log } from '../../telemetry/log.js';

/** Nest's own hooks of a gateway: it calls them and looks at nothing that they return. */
const HOOKS = ['afterInit', 'handleConnection', 'handleDisconnect'] as const;

type Hook = (this: unknown, ...parameters: unknown[]) => unknown;
type Hooked = object & { [Name in (typeof HOOKS)[number]]?: unknown };

const guarded = new WeakSet<Hook>();

/**
 * Sees to it that a gateway's hook that fails, now or later, is logged and goes no further: a promise of it that rejects
 * would end the process. To be called before Nest binds the hooks.
 */
export function guardHooks(app: INestApplication): void {
  const log = app.get(Log);
  for (const module of app.get(ModulesContainer).values())
    for (const wrapper of module.providers.values()) {
      const { metatype, instance } = wrapper;
      if (typeof metatype !== 'function' || !Reflect.hasMetadata(GATEWAY_METADATA, metatype)) continue;
      // A gateway that is made anew for each connection has its hooks from its class alone.
      const owner = (wrapper.isDependencyTreeStatic() ? instance : metatype.prototype) as Hooked;
      for (const name of HOOKS) {
        const hook = owner[name];
        if (typeof hook !== 'function' || guarded.has(hook as Hook)) continue;
        const value = guard(hook as Hook, (error) => log.error(error, { hook: `${metatype.name}.${name}` }));
        guarded.add(value);
        Object.defineProperty(owner, name, { value, configurable: true, writable: true });
      }
    }
}

function guard(hook: Hook, failed: (error: unknown) => void): Hook {
  return function (...parameters) {
    try {
      const outcome = hook.apply(this, parameters);
      if (outcome instanceof Promise) outcome.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
