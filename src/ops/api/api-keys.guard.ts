import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TokenBucket } from '../../limits/token-bucket.js';
import { Settings } from '../../settings/settings.js';
import { Problem } from './problem.filter.js';

interface Key {
  readonly digest: Buffer;
  /** Its requests; one second's worth at once. */
  readonly bucket: TokenBucket;
}

/** Admits requests with one of `API_KEYS`, up to `API_REQUESTS_PER_SECOND` for each key. */
@Injectable()
export class ApiKeysGuard implements CanActivate {
  readonly #keys: readonly Key[];

  /** @throws {Error} where there is no key, or an empty one, because a request without a key would then be admitted */
  constructor({ apiKeys = '', apiRequestsPerSecond }: Settings) {
    const keys = apiKeys.split(',');
    if (keys.includes('')) throw new Error('The HTTP API needs API_KEYS without an empty key.');
    const nowMs = performance.now();
    this.#keys = keys.map((key) => ({
      digest: sha256(key),
      bucket: new TokenBucket(apiRequestsPerSecond, apiRequestsPerSecond, nowMs),
    }));
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const [, token] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    const key = token === undefined ? undefined : this.#find(sha256(token));
    if (key === undefined)
      throw new Problem(401, 'unauthorized', 'A key is required: Authorization: Bearer KEY.', {
        'WWW-Authenticate': 'Bearer',
      });
    if (!key.bucket.tryTake(1, performance.now()))
      throw new Problem(429, 'rate_limited', 'This key asks too often.', { 'Retry-After': '1' });
    return true;
  }

  /** Compares all digests, each in constant time, so that the duration reveals nothing about a key. */
  #find(digest: Buffer): Key | undefined {
    let found: Key | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
