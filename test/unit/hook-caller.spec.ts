import { describe, expect, it } from 'vitest';
import type { ExploredGateway } from '../../src/gateway/nest/gateway-explorer.js';
import { HookCaller } from '../../src/gateway/nest/hook-caller.js';
import type { Settings } from '../../src/settings/settings.js';
import type { Log } from '../../src/telemetry/log.js';

describe('a call of a hook', () => {
  const logged: unknown[] = [];
  const log = { error: (error: unknown, fields: object) => logged.push([String(error), fields]) } as unknown as Log;
  const caller = new HookCaller(log, { handlerTimeoutMs: 1000 } as Settings);
  const gateway = { metatype: { name: 'ChatGateway' } } as unknown as ExploredGateway;
  const call = (instance: object): Promise<void> | undefined =>
    caller.call({ gateway, instance }, 'handleConnection', undefined, 'client', 'request');
  const failure = (text: string): unknown[] => [[text, { hook: 'ChatGateway.handleConnection', session: undefined }]];

  it('passes the parameters, with the instance as `this`', () => {
    const instance = {
      got: [] as unknown[],
      handleConnection(...parameters: unknown[]): void {
        this.got.push(...parameters);
      },
    };
    expect(call(instance)).toBeUndefined();
    expect(instance.got).toEqual(['client', 'request']);
  });

  it('does nothing without a hook, or with one that is no function', () => {
    expect(call({})).toBeUndefined();
    expect(call({ handleConnection: 'no function' })).toBeUndefined();
    expect(logged).toEqual([]);
  });

  it.each([
    ['a promise', () => Promise.resolve()],
    ['an object of a library that can be awaited', () => thenable({ value: (done: () => void) => done() })],
  ])('waits for %s', async (_, handleConnection) => {
    await expect(call({ handleConnection })).resolves.toBeUndefined();
  });

  it('logs whatever a hook throws, at once or later', async () => {
    const fail = (): never => {
      throw new Error('fails');
    };
    expect(call({ handleConnection: fail })).toBeUndefined();
    expect(logged.splice(0)).toEqual(failure('Error: fails'));
    await call({ handleConnection: () => Promise.reject(new Error('fails later')) });
    expect(logged.splice(0)).toEqual(failure('Error: fails later'));
    await call({ handleConnection: () => thenable({ value: fail }) });
    expect(logged.splice(0)).toEqual(failure('Error: fails'));
    expect(call({ handleConnection: () => thenable({ get: fail }) })).toBeUndefined();
    expect(logged.splice(0)).toEqual(failure('Error: fails'));
    expect(call(Object.defineProperty({}, 'handleConnection', { get: fail }))).toBeUndefined();
    expect(logged.splice(0)).toEqual(failure('Error: fails'));
  });
});

/** Creates an object with a member `then`, as query builders are. */
function thenable(member: PropertyDescriptor): object {
  // eslint-disable-next-line unicorn/no-thenable
  return Object.defineProperty({}, 'then', member);
}
