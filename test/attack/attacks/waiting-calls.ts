import { clientFrame } from '../../support/client-frames.js';
import type { Attack } from '../attacker.js';
import { many } from './many.js';

const SESSIONS = 20;
/** One runs, and 64 wait. */
const CALLS = 65;
const CALL = clientFrame(`{"type":"attack.wait","data":"${'x'.repeat(65_000)}"}`, { mask: 0 });

/** Fills the handler queues of many sessions with the longest messages, for a handler that never answers. */
export const waitingCalls: Attack = async (attacker) => {
  const enemies = await attacker.sessions(SESSIONS * attacker.force);
  for (const enemy of enemies) {
    enemy.socket.write(many(CALLS, CALL));
    await attacker.exchanges(2);
  }
  await attacker.exchanges(40);
};
