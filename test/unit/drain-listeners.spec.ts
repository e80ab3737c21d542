import { describe, expect, it } from 'vitest';
import { SlowConsumers, type SlowConsumer } from '../../src/sessions/slow-consumers.js';
import { readSettings } from '../../src/settings/environment.js';

const MARK = 20_000;

function slowSession(): SlowConsumer {
  return {
    closed: false,
    takenBytes: 0,
    confirmedBytes: 0,
    heldBytes: 0,
    pauseReading: () => undefined,
    resumeReading: () => undefined,
    shed: () => undefined,
  };
}

describe('the listeners for sessions that drain', () => {
  const setUp = () => ({
    slowConsumers: new SlowConsumers(readSettings({ OUTBOX_HIGH_WATER_BYTES: String(MARK) })),
    session: slowSession(),
    called: [] as string[],
  });

  it('are called once, in their order, when half of the mark or less waits', () => {
    const { slowConsumers, session, called } = setUp();
    slowConsumers.report(session, MARK + 1);
    for (const name of ['first', 'second']) slowConsumers.onceDrained(session, () => called.push(name));
    slowConsumers.report(session, MARK / 2 + 1);
    expect(called).toEqual([]);
    slowConsumers.report(session, MARK / 2);
    expect(called).toEqual(['first', 'second']);
    slowConsumers.report(session, 0);
    expect(called).toHaveLength(2);
  });

  it('are called for their session alone, and not once they are cancelled', () => {
    const { slowConsumers, session, called } = setUp();
    const other = slowSession();
    for (const each of [session, other]) slowConsumers.report(each, MARK + 1);
    slowConsumers.onceDrained(other, () => called.push('other'));
    const cancel = slowConsumers.onceDrained(session, () => called.push('cancelled'));
    slowConsumers.onceDrained(session, () => called.push('kept'));
    cancel();
    slowConsumers.report(session, 0);
    expect(called).toEqual(['kept']);
    slowConsumers.report(other, 0);
    expect(called).toEqual(['kept', 'other']);
  });

  it('may wait again from within', () => {
    const { slowConsumers, session, called } = setUp();
    slowConsumers.report(session, MARK + 1);
    const wait = (): void =>
      void slowConsumers.onceDrained(session, () => {
        called.push('drained');
        if (called.length < 2) wait();
      });
    wait();
    slowConsumers.report(session, 0);
    expect(called).toHaveLength(1);
    slowConsumers.report(session, 0);
    expect(called).toHaveLength(2);
  });
});
