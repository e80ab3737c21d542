import { closeFrame } from '../../support/client-frames.js';
import type { Attack } from '../attacker.js';

const WAVES = 10;
const WAVE = 15;

/** Opens and ends sessions in waves, by a close frame, a cut and a reset in turn; TLS has no reset. */
export const storms: Attack = async (attacker) => {
  for (let wave = 0; wave < WAVES; wave++) {
    const enemies = await attacker.sessions(WAVE);
    for (const [index, { socket }] of enemies.entries()) {
      if (index % 3 === 0) socket.end(closeFrame(1000));
      else if (index % 3 === 1 || attacker.aim.tls) socket.destroy();
      else socket.resetAndDestroy();
    }
    await Promise.all(enemies.map(({ ended }) => ended));
  }
  await attacker.exchanges(40);
};
