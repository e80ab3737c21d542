import { describe, it } from 'vitest';
import { expectNoLoss, TIMEOUT_MS } from '../support/garden.js';
import { needs } from '../support/needs.js';

needs('Python websockets');

describe('the program of docs/reconnecting.md in Python', () => {
  it('loses and doubles no line while its connection is cut, and nobody notices', { timeout: TIMEOUT_MS }, async () => {
    await expectNoLoss('Python');
  });
});
