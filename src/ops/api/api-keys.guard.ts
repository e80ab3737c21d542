import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Settings } from '../../settings/settings.js';
import { Problem } from './problem.filter.js';

interface Key {
  readonly digest: Buffer;
  /** Requests it may still make, as of `atMs` on the monotonic clock. */
  tokens: number;
  atMs: number;
}

/** Lets in who bears one of `API_KEYS`, as often as the operator allows. */
@Injectable()
export class ApiKeysGuard implements CanActivate {
  readonly #keys: readonly Key[];
  readonly #perSecond: number;

  constructor({ apiKeys, apiRequestsPerSecond }: Settings) {
    this.#perSecond = apiRequestsPerSecond;
    this.#keys = (apiKeys ?? '')
      .split(',')
      .map((key) => ({ digest: sha256(key), tokens: apiRequestsPerSecond, atMs: 0 }));
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const [, token = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    const key = this.#find(sha256(token));
    if (key === undefined)
      throw new Problem(401, 'unauthorized', 'A key is required: Authorization: Bearer KEY.', {
        'WWW-Authenticate': 'Bearer',
      });
    this.#spend(key);
    return true;
  }

  /** Compares digests, all of them and each in constant time, so that the time taken says nothing about a key. */
  #find(digest: Buffer): Key | undefined {
    let found: Key | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  }

  #spend(key: Key): void {
    const nowMs = performance.now();
    key.tokens = Math.min(this.#perSecond, key.tokens + ((nowMs - key.atMs) / 1000) * this.#perSecond);
    key.atMs = nowMs;
    if (key.tokens < 1) throw new Problem(429, 'rate_limited', 'This key asks too often.', { 'Retry-After': '1' });
    key.tokens--;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
