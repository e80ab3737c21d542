import { clientFrame } from '../../support/client-frames.js';
import type { Attack } from '../attacker.js';
import { many } from './many.js';

const SESSIONS = 5;
const BODIES = 60;
const KEYS = 7000;
const KEYS_TEXT = Array.from({ length: KEYS }, (_, index) => `"${index.toString(36)}":0`).join();
export const WIDE_TEXT = `{"type":"demo.sum","id":"1","data":{${KEYS_TEXT}}}`;
const BODY = clientFrame(WIDE_TEXT, { mask: 0 });

/** Sends bodies with thousands of keys that the DTO does not have, each of which is refused. */
export const wideBodies: Attack = async (attacker) => {
  const enemies = await attacker.sessions(SESSIONS);
  for (const enemy of enemies) enemy.socket.write(many(BODIES, BODY));
  while (enemies.some(({ errors, socket }) => errors < BODIES && !socket.destroyed)) await attacker.exchanges(1);
  await attacker.exchanges(20);
};
