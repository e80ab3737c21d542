import { describe, expect, it } from 'vitest';
import { gardenProgram, runGarden } from '../support/garden.js';

/** Longer than the waits of the program between its attempts to reconnect. */
const TIMEOUT_MS = 60_000;

describe('the program of docs/reconnecting.md in JavaScript', () => {
  it('loses and doubles no line while its connection is cut, and nobody notices', { timeout: TIMEOUT_MS }, async () => {
    const { sent, ...report } = await runGarden('JavaScript');
    expect(report).toEqual({
      byPeer: sent,
      byProgram: sent,
      notices: ['sys.arrived', 'sys.joined'],
      joins: 1,
      departureCode: 1000,
      endedWell: true,
    });
  });

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
