import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Clock } from '../../src/cluster/clock.js';
import type { Log } from '../../src/telemetry/log.js';

describe('the clock of the cluster', () => {
  it('logs what a timer throws, and lets the process go on', async () => {
    const events = new EventEmitter();
    const faults: unknown[] = [];
    const log = { error: (fault: unknown) => void faults.push(fault) } as Log;
    const clock = new Clock(log);
    const fail = (name: string) => (): never => {
      setImmediate(() => events.emit(name));
      throw new Error(name);
    };
    clock.atEndOfTurn(fail('turn'));
    await once(events, 'turn');
    clock.after(1, fail('after'));
    await once(events, 'after');
    const cancel = clock.every(1, fail('every'));
    await once(events, 'every');
    await once(events, 'every');
    cancel();
    expect(faults.slice(0, 4).map((fault) => (fault as Error).message)).toEqual(['turn', 'after', 'every', 'every']);
  });
});
