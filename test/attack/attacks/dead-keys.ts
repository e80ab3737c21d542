import { expect } from 'vitest';
import { bearer, handshake, type Attack } from '../attacker.js';
import { unknownKeyToken } from './unknown-key-token.js';

const WAVES = 15;
const WAVE = 10;
/** Requests at intervals of the node, and the few that tokens may cause; not one for each token. */
const MAX_ASKED = 5;

/** Connects with bad tokens, each of which names a key of its own, while the source of keys fails. */
export const deadKeys: Attack = async (attacker) => {
  const { keySource } = attacker.aim;
  keySource.fault = 'failing';
  const askedBefore = keySource.asked;
  for (let wave = 0; wave < WAVES; wave++) {
    const tokens = Array.from({ length: WAVE }, (_, index) => unknownKeyToken(`${wave}/${index}`));
    const enemies = await Promise.all(tokens.map((token) => attacker.open(handshake([bearer(token)]))));
    await Promise.all(enemies.map(({ ended }) => ended));
    for (const { tail } of enemies) expect(tail).toMatch(/unauthorized|unavailable|too_many_connections/);
  }
  await attacker.exchanges(20);
  expect(keySource.asked - askedBefore).toBeLessThanOrEqual(MAX_ASKED);
};
