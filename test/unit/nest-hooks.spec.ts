import { SessionHooks } from '../../src/gateway/nest/session-hooks.js';
// After the first import, which loads the metadata library that this file of Nest needs.
import { WebSocketsController } from '@nestjs/websockets/web-sockets-controller.js';
import { expect, it, onTestFinished } from 'vitest';
import type { GatewayInstances } from '../../src/gateway/nest/gateway-instances.js';
import type { HookCaller } from '../../src/gateway/nest/hook-caller.js';
import { takeHooks } from '../../src/gateway/nest/nest-hooks.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { Counters } from '../../src/telemetry/counters.js';
import { readSettings } from '../../src/settings/environment.js';

const nest = WebSocketsController.prototype as unknown as Record<string, unknown>;

it('a version of Nest that subscribes hooks by other methods is refused', () => {
  const { subscribeInitEvent } = nest;
  onTestFinished(() => void (nest['subscribeInitEvent'] = subscribeInitEvent));
  delete nest['subscribeInitEvent'];
  expect(() => takeHooks({}, { bound: () => undefined })).toThrow(
    'unsupported version of "@nestjs/websockets": it has no subscribeInitEvent; install the version in package.json',
  );
});

it('a version of Nest that binds gateways without these methods is refused at the start', async () => {
  const instances = { all: [], unscoped: [], scoped: [] } as unknown as GatewayInstances;
  const hooks = new SessionHooks({} as SessionRegistry, instances, {} as HookCaller, new Counters(), readSettings({}));
  await expect(hooks.onModuleInit()).resolves.toBeUndefined();
  hooks.takeFromNest({});
  await expect(hooks.onModuleInit()).rejects.toThrow('it subscribes hooks in another way');
  hooks.bound({}, 'the server');
  await expect(hooks.onModuleInit()).resolves.toBeUndefined();
});
