import { describe, expect, it } from 'vitest';
import { runGarden } from '../support/garden.js';
import { needs } from '../support/needs.js';

needs('Python websockets');

/** Longer than the waits of the program between its attempts to reconnect. */
const TIMEOUT_MS = 60_000;

describe('the program of docs/reconnecting.md in Python', () => {
  it('loses and doubles no line while its connection is cut, and nobody notices', { timeout: TIMEOUT_MS }, async () => {
    const { sent, ...report } = await runGarden('Python');
    expect(report).toEqual({
      byPeer: sent,
      byProgram: sent,
      notices: ['sys.arrived', 'sys.joined'],
      joins: 1,
      departureCode: 1000,
      endedWell: true,
    });
  });
});
