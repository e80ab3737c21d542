import { expect } from 'vitest';
import { clientFrame } from '../../support/client-frames.js';
import type { Attack, Enemy } from '../attacker.js';
import { many } from './many.js';

const PING = 9;
const PONG = 10;
const CONTROL_FRAMES = 20_000;
const FRAGMENTS = 100_000;
const MESSAGES = 7000;
const FAULTS = 1000;
const BROADCASTS = 1000;
/** The reason of close code 1008. */
const POLICY = 'policy';

/** Writes this in one session, which is closed with 1008. @param headers of its handshake */
export function untilPolicy(bytesOf: (enemy: Enemy) => Buffer, ...headers: readonly string[]): Attack {
  return async (attacker) => {
    const enemy = await attacker.session(...headers);
    enemy.socket.write(bytesOf(enemy));
    await enemy.ended;
    expect(enemy.tail).toContain(POLICY);
    await attacker.exchanges(20);
  };
}

export const pings = untilPolicy(() => many(CONTROL_FRAMES, clientFrame('x', { opcode: PING, mask: 0 })));
export const pongs = untilPolicy(() => many(CONTROL_FRAMES, clientFrame('x', { opcode: PONG, mask: 0 })));
export const fragments = untilPolicy(() =>
  Buffer.concat([
    clientFrame('{', { final: false, mask: 0 }),
    many(FRAGMENTS, clientFrame(' ', { opcode: 0, final: false, mask: 0 })),
  ]),
);
/** Sends messages to itself, over the limit of its rate. */
export const messages = untilPolicy(({ id }) =>
  many(MESSAGES, clientFrame(`{"type":"x","receiver":"${id}","id":"1"}`, { mask: 0 })),
);
/** Joins one room again and again, over the limit of its rate. */
export const joins = untilPolicy(() =>
  many(MESSAGES, clientFrame('{"type":"sys.join","receiver":"#siege","id":"1"}', { mask: 0 })),
);
export const unknownTypes = untilPolicy(() => many(FAULTS, clientFrame('{"type":"nothing","id":"1"}', { mask: 0 })));
export const malformedMessages = untilPolicy(() => many(FAULTS, clientFrame('{', { mask: 0 })));

/** Sends as many broadcasts at once as the rate allows; each goes to every session. */
export const broadcasts: Attack = async (attacker) => {
  const enemy = await attacker.session();
  enemy.socket.write(
    many(BROADCASTS, clientFrame(`{"type":"x","receiver":"*","data":"${'x'.repeat(60)}"}`, { mask: 0 })),
  );
  await attacker.exchanges(60);
};
