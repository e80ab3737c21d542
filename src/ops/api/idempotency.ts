import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { MessageError } from '../../protocol/index.js';
import { Problem } from './problem.filter.js';

const CACHED_MS = 600_000;
/** Results cached at most; the oldest is dropped first. */
const MAX_CACHED = 10_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

interface CachedResult<Answer> {
  /** Digest of the request body, to reject another request with the same key. */
  readonly digest: string;
  readonly answer: Promise<Answer>;
  readonly untilMs: number;
}

export interface Outcome<Answer> {
  readonly answer: Answer;
  /** Whether the answer is the cached one of an earlier request. */
  readonly replayed: boolean;
}

/** Runs each request with an `Idempotency-Key` once and caches its result for 10 minutes. */
@Injectable()
export class Idempotency<Answer> {
  readonly #cache = new Map<string, CachedResult<Answer>>();

  /**
   * Runs the work of a request, or returns the cached answer. Work that throws had no effect and is not cached, except
   * for `unavailable`.
   *
   * @param scope identifies the caller, because two callers may use the same key
   * @throws {Problem} 400 for an invalid key, 422 for a key that came before with another body
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
    const cacheKey = createHash('sha256').update(`${scope}\n${key}`).digest('base64');
    const digest = createHash('sha256').update(body).digest('base64');
    const cached = this.#cache.get(cacheKey);
    if (cached !== undefined && cached.untilMs > performance.now()) {
      if (cached.digest !== digest)
        throw new Problem(422, 'idempotency_key_reused', 'This Idempotency-Key came with another body before.');
      return { answer: await cached.answer, replayed: true };
    }
    const answer = work();
    this.#cache.delete(cacheKey);
    this.#cache.set(cacheKey, { digest, answer, untilMs: performance.now() + CACHED_MS });
    this.#dropExpired();
    try {
      return { answer: await answer, replayed: false };
    } catch (error) {
      // With `unavailable` the effect is unknown, so that the work must not run again under this key.
      if (!(error instanceof MessageError && error.code === 'unavailable')) this.#cache.delete(cacheKey);
      throw error;
    }
  }

  /** All results are cached for the same time, so that the map is in the order of expiry. */
  #dropExpired(): void {
    const nowMs = performance.now();
    for (const [cacheKey, { untilMs }] of this.#cache) {
      if (untilMs > nowMs && this.#cache.size <= MAX_CACHED) return;
      this.#cache.delete(cacheKey);
    }
  }
}
