import { clientFrame } from '../../support/client-frames.js';
import { bearer, type Attack } from '../attacker.js';
import { many } from './many.js';
import { unknownKeyToken } from './unknown-key-token.js';

/** The limit of one user. */
const SESSIONS = 15;
const TOKENS = 75;
const TOKEN_BYTES = 60_000;

/** Renews tokens by the longest bad ones, again and again, while the source of keys does not answer. */
export const authFlood: Attack = async (attacker) => {
  const { keySource, token } = attacker.aim;
  keySource.fault = 'silent';
  const frame = clientFrame(`{"type":"sys.auth","data":{"token":"${unknownKeyToken('k', TOKEN_BYTES)}"}}`, { mask: 0 });
  for (const enemy of await attacker.sessions(SESSIONS, bearer(token))) {
    enemy.socket.write(many(TOKENS, frame));
    await attacker.exchanges(2);
  }
  await attacker.exchanges(40);
};
