import { Injectable } from '@nestjs/common';
import { hashText, hashTextAt, isTextAt, type EnvelopeScanner } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';

/** Receivers of one session whose answers are remembered. The oldest answer makes room for a new one. */
const MAX_ANSWERS_PER_SESSION = 256;

interface Answer {
  readonly receiver: string;
  readonly verdict: 'always' | 'never';
}

/**
 * Remembers the answers `'always'` and `'never'` of the `AccessPolicy` for a session and a receiver, so that the policy is
 * not asked for each message. The answers of a session end with it, and when its token is renewed. Inject this class, and
 * call {@link forget} or {@link forgetAll} where an answer has changed for any other reason. Each node has answers of its
 * own sessions only.
 */
@Injectable()
export class RememberedAnswers {
  /** By session, then by the hash of the receiver, which the fast path computes without making a string. */
  #answers = new WeakMap<Session, Map<number, Answer>>();

  /** Forgets the answers for a session: that for one receiver (an id, `*`, `@USER` or `#ROOM`), or all. */
  forget(session: Session, receiver?: string): void {
    if (receiver === undefined) this.#answers.delete(session);
    else if (this.answer(session, receiver) !== undefined) this.#answers.get(session)?.delete(hashText(receiver));
  }

  /** Forgets the answers for all sessions. The policy is asked again for the next message of each. */
  forgetAll(): void {
    this.#answers = new WeakMap();
  }

  /** Remembers an answer of the policy. Called by the server. */
  remember(session: Session, receiver: string, verdict: Answer['verdict']): void {
    let answers = this.#answers.get(session);
    if (answers === undefined) this.#answers.set(session, (answers = new Map()));
    const hash = hashText(receiver);
    answers.delete(hash); // so that the answer becomes the newest
    answers.set(hash, { receiver, verdict });
    if (answers.size > MAX_ANSWERS_PER_SESSION) answers.delete(answers.keys().next().value!);
  }

  /** Returns the remembered answer for a receiver; `undefined` where the policy must be asked. */
  answer(session: Session, receiver: string): Answer['verdict'] | undefined {
    const found = this.#answers.get(session)?.get(hashText(receiver));
    return found?.receiver === receiver ? found.verdict : undefined;
  }

  /** Returns whether the remembered answer for the receiver of a scanned message is `'always'`. Makes no string. */
  allows(session: Session, { receiverStart, receiverEnd }: EnvelopeScanner): boolean {
    const answers = this.#answers.get(session);
    if (answers === undefined || receiverStart < 0) return false;
    const found = answers.get(hashTextAt(receiverStart, receiverEnd));
    return found?.verdict === 'always' && isTextAt(found.receiver, receiverStart, receiverEnd);
  }
}
