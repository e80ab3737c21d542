import { beforeEach, describe, expect, it } from 'vitest';
import { RememberedAnswers } from '../../src/messaging/remembered-answers.js';
import { EnvelopeScanner } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession } from '../support/sessions.js';

const scanner = new EnvelopeScanner();

/** Scans a message to a receiver, as the fast path does. */
function scanned(receiver: string | undefined): EnvelopeScanner {
  const bytes = Buffer.from(JSON.stringify({ type: 'chat', receiver, data: 'x' }));
  expect(scanner.scan(bytes, 0, bytes.length, 0)).toBe(true);
  return scanner;
}

describe('the remembered answers of a policy', () => {
  let answers: RememberedAnswers;
  let session: Session;
  let other: Session;

  beforeEach(() => {
    answers = new RememberedAnswers();
    const registry = newRegistry();
    [session, other] = [openSession(registry).session, openSession(registry).session];
  });

  it.each(['*', '#garden', '@ann', `#${'r'.repeat(127)}`, '<id>'])('hold for one receiver and session: %s', (name) => {
    const receiver = name === '<id>' ? other.id : name;
    answers.remember(session, receiver, 'always');
    expect(answers.answer(session, receiver)).toBe('always');
    expect(answers.allows(session, scanned(receiver))).toBe(true);
    expect(answers.allows(session, scanned(`${receiver.slice(0, -1)}~`))).toBe(false);
    expect(answers.allows(session, scanned(undefined))).toBe(false);
    expect(answers.answer(other, receiver)).toBeUndefined();
    expect(answers.allows(other, scanned(receiver))).toBe(false);
  });

  it('are both of them remembered, and the newest counts', () => {
    answers.remember(session, '#garden', 'never');
    expect(answers.answer(session, '#garden')).toBe('never');
    expect(answers.allows(session, scanned('#garden'))).toBe(false);
    answers.remember(session, '#garden', 'always');
    expect(answers.allows(session, scanned('#garden'))).toBe(true);
  });

  it('are never those of another receiver with the same hash', () => {
    // 'Aa' and 'BB' have one hash.
    answers.remember(session, '#Aa', 'always');
    expect(answers.answer(session, '#BB')).toBeUndefined();
    expect(answers.allows(session, scanned('#BB'))).toBe(false);
    answers.forget(session, '#BB');
    expect(answers.allows(session, scanned('#Aa'))).toBe(true);
    answers.remember(session, '#BB', 'never');
    expect(answers.answer(session, '#Aa')).toBeUndefined();
  });

  it('hold for a receiver that the fast path does not read', () => {
    answers.remember(session, '@änn "x"', 'always');
    expect(answers.answer(session, '@änn "x"')).toBe('always');
  });

  it('are at most 256 for each session, of which the oldest go first', () => {
    for (let room = 0; room < 256; room++) answers.remember(session, `#r${room}`, 'always');
    answers.remember(session, '#r0', 'always'); // is the newest now
    answers.remember(session, '#more', 'always');
    expect(answers.answer(session, '#r1')).toBeUndefined();
    expect(['#r0', '#r2', '#more'].map((room) => answers.answer(session, room))).toEqual(Array(3).fill('always'));
  });

  it('are forgotten for one receiver, for one session or for all', () => {
    for (const each of [session, other]) for (const to of ['#a', '#b']) answers.remember(each, to, 'always');
    answers.forget(session, '#a');
    expect([answers.answer(session, '#a'), answers.answer(session, '#b')]).toEqual([undefined, 'always']);
    answers.forget(session);
    expect(answers.answer(session, '#b')).toBeUndefined();
    expect(answers.allows(other, scanned('#a'))).toBe(true);
    answers.forgetAll();
    expect(answers.allows(other, scanned('#a'))).toBe(false);
    expect(answers.answer(other, '#b')).toBeUndefined();
  });
});
