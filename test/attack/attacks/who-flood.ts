import { clientFrame } from '../../support/client-frames.js';
import type { Attack } from '../attacker.js';
import { many } from './many.js';

const QUESTIONS = 1000;
const ASK = clientFrame('{"type":"sys.who","data":{"limit":1000}}', { mask: 0 });

/** Asks for the longest page of sessions a thousand times in one write, and reads none of the answers. */
export const whoFlood: Attack = async (attacker) => {
  for (const enemy of await attacker.sessions(attacker.force)) {
    enemy.socket.pause();
    enemy.socket.write(many(QUESTIONS, ASK));
  }
  await attacker.exchanges(60);
};
