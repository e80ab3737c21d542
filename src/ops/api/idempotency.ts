import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { MessageError } from '../../protocol/index.js';
import { Problem } from './problem.filter.js';

const KEPT_MS = 600_000;
/** Answers kept at most; the oldest goes first. */
const MAX_KEPT = 10_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

interface Kept<Answer> {
  readonly digest: string;
  readonly answer: Promise<Answer>;
  readonly untilMs: number;
}

export interface Outcome<Answer> {
  readonly answer: Answer;
  readonly replayed: boolean;
}

/** Remembers what requests with an `Idempotency-Key` did, so that one that is sent again does nothing again. */
@Injectable()
export class Idempotency<Answer> {
  readonly #kept = new Map<string, Kept<Answer>>();

  /**
   * Does the work once for a key; what it throws had no effect and is not remembered, `unavailable` excepted.
   *
   * @throws {Problem} 400 for a key that is none, 422 for a key that came with another body
   */
  async once(
    key: string | undefined,
    scope: string,
    body: string,
    work: () => Promise<Answer>,
  ): Promise<Outcome<Answer>> {
    if (key === undefined) return { answer: await work(), replayed: false };
    if (!KEY.test(key))
      throw new Problem(400, 'invalid_idempotency_key', 'Idempotency-Key is 1 to 255 ASCII characters.');
    const place = createHash('sha256').update(`${scope}\n${key}`).digest('base64');
    const digest = createHash('sha256').update(body).digest('base64');
    const kept = this.#kept.get(place);
    if (kept !== undefined && kept.untilMs > performance.now()) {
      if (kept.digest !== digest)
        throw new Problem(422, 'idempotency_key_reused', 'This Idempotency-Key came with another body before.');
      return { answer: await kept.answer, replayed: true };
    }
    const answer = work();
    this.#kept.delete(place);
    this.#kept.set(place, { digest, answer, untilMs: performance.now() + KEPT_MS });
    this.#forget();
    try {
      return { answer: await answer, replayed: false };
    } catch (error) {
      // Nobody knows whether that had its effect: it is not tried again, and the same key gets the same answer.
      if (!(error instanceof MessageError && error.code === 'unavailable')) this.#kept.delete(place);
      throw error;
    }
  }

  /** All are kept equally long, so the oldest stand first. */
  #forget(): void {
    const nowMs = performance.now();
    for (const [place, { untilMs }] of this.#kept) {
      if (untilMs > nowMs && this.#kept.size <= MAX_KEPT) return;
      this.#kept.delete(place);
    }
  }
}
