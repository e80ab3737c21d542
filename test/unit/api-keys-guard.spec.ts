import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { ApiKeysGuard } from '../../src/ops/api/api-keys.guard.js';
import type { Settings } from '../../src/settings/settings.js';

const KEY = 'a-key-of-many-characters';

function guard(apiKeys: string | undefined): ApiKeysGuard {
  return new ApiKeysGuard({ apiKeys, apiRequestsPerSecond: 10 } as unknown as Settings);
}

function requestWith(authorization: string | undefined): ExecutionContext {
  return {
    switchToHttp: () => ({ getRequest: () => ({ headers: { authorization } }) }),
  } as unknown as ExecutionContext;
}

describe('the guard of the HTTP API', () => {
  it.each([undefined, '', ',', `${KEY},`, `,${KEY}`])('is not created with the keys %o', (keys) => {
    expect(() => guard(keys)).toThrow('needs API_KEYS without an empty key');
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Bearer   ', `Basic ${KEY}`, KEY])('refuses %o', (header) => {
    expect(() => guard(KEY).canActivate(requestWith(header))).toThrow('A key is required');
  });

  it('accepts its key', () => {
    expect(guard(KEY).canActivate(requestWith(`Bearer ${KEY}`))).toBe(true);
  });
});
