import { expect } from 'vitest';
import { handshake, type Attack, type Attacker } from '../attacker.js';

const SILENT = 250;
const HALF_TLS = 50;
const HALF_OPEN = 250;
const HANDSHAKES = 400;
/** Exchanges of the calm pair that take many times as long as HANDSHAKE_TIMEOUT_MS. */
const LONG_EXCHANGES = 1000;
/** The first byte of a TLS handshake (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = Buffer.from([0x16]);

/** Opens TCP connections and never writes; each is ended by the server. */
export const silentConnections: Attack = (attacker) => neverFinished(attacker, SILENT);

/** Writes the first byte of TLS and nothing more; each connection is ended by the server. */
export const halfTls: Attack = (attacker) => neverFinished(attacker, HALF_TLS, HANDSHAKE_RECORD);

/** Begins handshakes and never ends them; each is rejected with 408, or with 429 over a limit of the address. */
export const halfOpenHandshakes: Attack = async (attacker) => {
  const enemies = await Promise.all(
    Array.from({ length: HALF_OPEN }, () => attacker.open('GET /wss HTTP/1.1\r\nHost: localhost\r\n')),
  );
  for (const enemy of enemies) {
    await enemy.ended;
    expect(enemy.tail).toMatch(/handshake_timeout|too_many_connections|^$/);
  }
};

/** Sends handshakes of a foreign page from one address; each is rejected with 403 or 429. */
export const handshakeFlood: Attack = async (attacker) => {
  const request = handshake(['Origin: https://evil.test']);
  const enemies = await Promise.all(Array.from({ length: HANDSHAKES }, () => attacker.open(request)));
  for (const enemy of enemies) {
    await enemy.ended;
    expect(enemy.tail).toMatch(/origin_not_allowed|too_many_connections|^$/);
  }
};

async function neverFinished(attacker: Attacker, count: number, first?: Buffer): Promise<void> {
  const enemies = await Promise.all(Array.from({ length: count }, () => attacker.tcp(first)));
  await Promise.race([Promise.all(enemies.map(({ ended }) => ended)), attacker.exchanges(LONG_EXCHANGES)]);
  expect(enemies.filter(({ socket }) => !socket.closed)).toHaveLength(0);
}
