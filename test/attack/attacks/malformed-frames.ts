import { clientFrame } from '../../support/client-frames.js';
import type { Attack } from '../attacker.js';

const ROUNDS = 15;
/** Frames that no client may send (RFC 6455, 5.2, 5.5, 7.4.1 and 8.1). */
const FRAMES = [
  clientFrame('{}', { mask: undefined }),
  clientFrame('{}', { reserved: 4 }),
  clientFrame('{}', { opcode: 3 }),
  clientFrame('{}', { opcode: 0 }),
  clientFrame('x'.repeat(126), { opcode: 9 }),
  clientFrame('x', { opcode: 8 }),
  clientFrame(Buffer.from([0xff, 0xfe])),
  Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  clientFrame('x', { opcode: 2 }),
];

/** Sends one malformed frame in each of many sessions; each session is ended by the server. */
export const malformedFrames: Attack = async (attacker) => {
  const enemies = await attacker.sessions(ROUNDS * FRAMES.length);
  for (const [index, enemy] of enemies.entries()) enemy.write(FRAMES[index % FRAMES.length]!);
  await Promise.all(enemies.map(({ ended }) => ended));
  await attacker.exchanges(20);
};
