import { describe, expect, it } from 'vitest';
import { jsonProblem } from '../../src/sessions/json-value.js';
import { restoreStates, savedStates, SessionState } from '../../src/sessions/session-state.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession } from '../support/sessions.js';

const newSession = (): Session => openSession(newRegistry()).session;

/** Saves the states of a session and restores them for another one, as another process does. */
function carried(from: Session): { readonly session: Session; readonly problems: string[] } {
  const problems: string[] = [];
  const saved = savedStates(from, (key, reason) => problems.push(`${key}: ${reason}`));
  const session = newSession();
  if (saved !== undefined) restoreStates(session, JSON.parse(JSON.stringify(saved)) as Record<string, unknown>);
  return { session, problems };
}

describe('the state of a session', () => {
  it('with a key is carried, and without one begins anew', () => {
    const votes = new SessionState(() => ({ count: 0 }), { key: 'poll.votes' });
    const others = new SessionState(() => ({ count: 0 }));
    const from = newSession();
    votes.of(from).count = 3;
    others.of(from).count = 3;
    const { session, problems } = carried(from);
    expect([votes.of(session).count, others.of(session).count, problems]).toEqual([3, 0, []]);
    votes.of(session).count++;
    expect(votes.of(session).count).toBe(4);
    expect(votes.of(from).count).toBe(3);
  });

  it('that was not used is not carried', () => {
    void new SessionState(() => 1, { key: 'unused' });
    expect(savedStates(newSession(), () => undefined)).toBeUndefined();
  });

  it('that was set is carried in place of the first value', () => {
    const names = new SessionState((): string | null => 'first', { key: 'name' });
    const from = newSession();
    names.set(from, null);
    expect(names.of(from)).toBeNull();
    expect(names.of(carried(from).session)).toBeNull();
  });

  it('begins anew where JSON cannot hold it, and the others are carried', () => {
    const maps = new SessionState(() => new Map([[1, 2]]), { key: 'map' });
    const numbers = new SessionState(() => 7, { key: 'number' });
    const from = newSession();
    maps.of(from).set(3, 4);
    numbers.set(from, 8);
    const { session, problems } = carried(from);
    expect(problems).toEqual(['map: an object of the class Map']);
    expect([[...maps.of(session)], numbers.of(session)]).toEqual([[[1, 2]], 8]);
  });

  it('begins anew where it is too large', () => {
    const texts = new SessionState(() => '', { key: 'text' });
    const from = newSession();
    texts.set(from, 'x'.repeat(70_000));
    const { session, problems } = carried(from);
    expect(problems).toEqual(['text: 70002 characters of JSON, at most 65536 are carried']);
    expect(texts.of(session)).toBe('');
  });

  it.each(['', 'a b', 'x'.repeat(65), 7])('takes no key %j', (key) => {
    expect(() => new SessionState(() => 0, { key: key as string })).toThrow(TypeError);
  });
});

describe('a value that is the same after JSON', () => {
  class Point {
    readonly x = 1;
  }
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;

  it.each([
    null,
    '',
    false,
    -0.5,
    [],
    {},
    { a: [1, { b: 'c' }], absent: undefined },
    Object.assign(Object.create(null) as object, { a: 1 }),
    JSON.parse('{"__proto__":1}') as unknown,
  ])('is %j', (value) => {
    expect(jsonProblem(value, 1000)).toBeUndefined();
  });

  it.each([
    { value: undefined, problem: 'a value of type undefined' },
    { value: [undefined], problem: 'a value of type undefined' },
    { value: Array.from({ length: 1 }), problem: 'a value of type undefined' },
    { value: NaN, problem: 'the number NaN' },
    { value: { a: Infinity }, problem: 'the number Infinity' },
    { value: 1n, problem: 'a value of type bigint' },
    { value: () => 1, problem: 'a value of type function' },
    { value: Symbol('s'), problem: 'a value of type symbol' },
    { value: new Date(), problem: 'an object of the class Date' },
    { value: { a: new Set() }, problem: 'an object of the class Set' },
    { value: new Point(), problem: 'an object of the class Point' },
    { value: Buffer.alloc(1), problem: 'an object of the class Buffer' },
    { value: { [Symbol('s')]: 1 }, problem: 'a property whose key is a symbol' },
    { value: { toJSON: () => 1 }, problem: 'an object with toJSON' },
    { value: circle, problem: 'a value more than 100 levels deep' },
    { value: Array.from({ length: 100_001 }, () => 0), problem: 'more than 100000 values' },
    { value: 'x'.repeat(999), problem: '1001 characters of JSON, at most 1000 are carried' },
  ])('is not one that has $problem', ({ value, problem }) => {
    expect(jsonProblem(value, 1000)).toBe(problem);
  });
});
