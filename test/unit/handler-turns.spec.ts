import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HandlerTurns } from '../../src/gateway/dispatch/handler-turns.js';

const TURN_MS = 5;

function work(milliseconds: number): void {
  for (const start = performance.now(); performance.now() - start < milliseconds;);
}

/** The calls of one session, as the handler queue makes them. */
async function session(turns: HandlerTurns, name: string, callMs: readonly number[], log: string[]): Promise<void> {
  for (const milliseconds of callMs) {
    await Promise.resolve();
    work(milliseconds);
    log.push(name);
    if (turns.mustYield()) await turns.next();
  }
}

describe('turns of handlers', () => {
  it('let short calls run without a turn of the event loop in between', async () => {
    const log: string[] = [];
    const done = session(new HandlerTurns(), 'a', Array<number>(50).fill(0), log);
    await new Promise((resolve) => process.nextTick(() => queueMicrotask(() => process.nextTick(resolve))));
    expect(log.length).toBe(50);
    await done;
  });

  it('let a turn of the event loop pass once their time is used up', async () => {
    const log: string[] = [];
    const done = session(new HandlerTurns(), 'call', [TURN_MS, TURN_MS, TURN_MS], log);
    for (let count = 0; count < 3; count++) {
      await turn();
      log.push('turn');
    }
    await done;
    expect(log.join(' ')).toMatch(/^call call turn (turn )?call/);
  });

  it('give sessions that wait one call each, in order', async () => {
    const turns = new HandlerTurns();
    const log: string[] = [];
    const calls = [TURN_MS, 0, 0];
    await Promise.all(['a', 'b', 'c'].map((name) => session(turns, name, calls, log)));
    expect(log.slice(0, 3)).toEqual(['a', 'b', 'c']);
    expect(log.slice(3, 6)).toEqual(['a', 'b', 'c']);
    expect(log).toHaveLength(9);
  });

  it.each([
    { isDone: true, order: ['a', 'b', 'microtask of a'] },
    { isDone: false, order: ['a', 'microtask of a', 'b'] },
  ])('let the microtasks of calls run before the next session (done at once: $isDone)', async ({ isDone, order }) => {
    const turns = new HandlerTurns();
    const log: string[] = [];
    turns.mustYield();
    turns.wait({
      takeTurn() {
        log.push('a');
        queueMicrotask(() => log.push('microtask of a'));
        return isDone;
      },
    });
    turns.wait({ takeTurn: () => log.push('b') > 0 });
    await turn();
    expect(log).toEqual(order);
  });

  it('end when no session waits, so that the process may end', async () => {
    const turns = new HandlerTurns();
    await session(turns, 'a', [TURN_MS, TURN_MS], []);
    await turn();
    await turn();
    expect(turns.mustYield()).toBe(false);
  });
});
