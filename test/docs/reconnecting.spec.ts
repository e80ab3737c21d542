import { describe, expect, it } from 'vitest';
import { expectNoLoss, expectUnsentLine, TIMEOUT_MS, gardenProgram } from '../support/garden.js';

describe('the program of docs/reconnecting.md in JavaScript', () => {
  it('loses and doubles no line while its connection is cut, and nobody notices', { timeout: TIMEOUT_MS }, async () => {
    await expectNoLoss('JavaScript');
  });

  it.each([0, 300])(
    'sends a line in its next session, where the window is %i ms',
    { timeout: TIMEOUT_MS },
    async (windowMs) => {
      await expectUnsentLine('JavaScript', windowMs);
    },
  );

  it('resumes in forty lines', async () => {
    const { source } = await gardenProgram('JavaScript');
    const lines = source.split('\n');
    const from = lines.findIndex((line) => line.startsWith('function open'));
    const to = lines.indexOf(
      '}',
      lines.findIndex((line) => line.startsWith('function send')),
    );
    expect(lines.slice(from, to + 1).filter((line) => line !== '')).toHaveLength(40);
  });
});
