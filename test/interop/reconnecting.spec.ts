import { describe, it } from 'vitest';
import { expectNoLoss, expectUnsentLine, TIMEOUT_MS } from '../support/garden.js';
import { needs } from '../support/needs.js';

needs('Python websockets');

describe('the program of docs/reconnecting.md in Python', () => {
  it('loses and doubles no line while its connection is cut, and nobody notices', { timeout: TIMEOUT_MS }, async () => {
    await expectNoLoss('Python');
  });

  it.each([0, 300])(
    'sends a line in its next session, where the window is %i ms',
    { timeout: TIMEOUT_MS },
    async (windowMs) => {
      await expectUnsentLine('Python', windowMs);
    },
  );
});
