import { expect } from 'vitest';
import { clientFrame } from '../../support/client-frames.js';
import { handshake, type Attack, type Enemy } from '../attacker.js';
import { many } from './many.js';
import { untilPolicy } from './session-floods.js';

/** Asks for a resumable session. */
const NEW = 'Switchboard-Resume: new';
/** All handshakes of an attack are below four times HANDSHAKES_PER_SECOND, so that each is answered. */
const WAVES = 5;
const WAVE = 30;
const SESSIONS = 15;
const RETURNS = 6;
/** More than RESUME_BYTES together. */
const MESSAGES = 40;
const DATA = 'x'.repeat(8000);
const SEEN = 1000;
/** The secret of a token is behind the ids of its node and session. */
const SECRET_AT = 24;

function comesBack(token: string, frames = 0): string {
  return `Switchboard-Resume: ${token}.${frames}`;
}

function tokenOf({ head }: Enemy): string {
  return /"token":"([^"]+)"/.exec(head)![1]!;
}

function messageTo(id: string): Buffer {
  return clientFrame(`{"type":"x","receiver":"${id}","id":"1","data":"${DATA}"}`, { mask: 0 });
}

async function drop(enemies: readonly Enemy[]): Promise<void> {
  for (const { socket } of enemies) socket.destroy();
  await Promise.all(enemies.map(({ ended }) => ended));
}

/** Opens resumable sessions and drops each. The window of the first is over before the last is dropped. */
export const dropped: Attack = async (attacker) => {
  for (let wave = 0; wave < WAVES; wave++) {
    await drop(await attacker.sessions(WAVE, NEW));
    await attacker.exchanges(20);
  }
};

/** Asks for a session of another client with wrong tokens and counts. Each answer is a new session; the other stays. */
export const wrongTokens: Attack = async (attacker) => {
  const victim = await attacker.session(NEW);
  const token = tokenOf(victim);
  for (let wave = 0; wave < WAVES; wave++) {
    const secret = `${wave}`.repeat(token.length - SECRET_AT);
    const wrong = wave === 0 ? comesBack(token, 1_000_000) : comesBack(token.slice(0, SECRET_AT) + secret);
    const enemies = await attacker.sessions(WAVE, wrong);
    for (const { id, head } of enemies) {
      expect(id).not.toBe(victim.id);
      expect(head).toContain('"reason":"unknown"');
    }
    await drop(enemies);
  }
  const answered = new Promise<boolean>((resolve) => {
    victim.socket.on('data', (chunk) => chunk.includes('"still-here"') && resolve(true));
    void victim.ended.then(() => resolve(false));
  });
  victim.write(clientFrame(`{"type":"still-here","receiver":"${victim.id}"}`, { mask: 0 }));
  expect(await answered).toBe(true);
};

/**
 * Fills what the server keeps for sessions that are away. Then returns to each of them again and again with one token, and
 * reads nothing of what is repeated. Only one connection of each session stays open.
 */
export const filledBuffers: Attack = async (attacker) => {
  const [away, senders] = [await attacker.sessions(SESSIONS, NEW), await attacker.sessions(SESSIONS)];
  await drop(away);
  for (const [index, { id }] of away.entries()) senders[index]!.write(many(MESSAGES, messageTo(id)));
  await attacker.exchanges(20);
  const returned: Enemy[][] = [];
  for (let turn = 0; turn < RETURNS; turn++) {
    const enemies = await Promise.all(away.map((enemy) => attacker.open(handshake([comesBack(tokenOf(enemy))]))));
    for (const { socket } of enemies) socket.pause();
    returned.push(enemies);
    await attacker.exchanges(5);
  }
  for (const { socket } of returned.flat()) socket.resume();
  const isOpen = ({ head, socket }: Enemy, id: string): boolean =>
    head.includes(`"receiver":"${id}"`) && !socket.closed;
  for (const [index, { id }] of away.entries())
    // A connection that was replaced is cut within two seconds.
    while (returned.filter((enemies) => isOpen(enemies[index]!, id)).length > 1) await attacker.exchanges(5);
};

/** Sends to itself in sessions that read everything and never send `sys.seen`; then drops them with what is unseen. */
export const unseen: Attack = async (attacker) => {
  const enemies = await attacker.sessions(SESSIONS * attacker.force, NEW);
  for (const { id, socket } of enemies) socket.write(many(MESSAGES, messageTo(id)));
  await attacker.exchanges(40);
  await drop(enemies);
  await attacker.exchanges(20);
};

/** Sends `sys.seen` without end, although the server has sent nothing. */
export const seenFlood = untilPolicy(
  () => many(SEEN, clientFrame('{"type":"sys.seen","data":{"frames":0}}', { mask: 0 })),
  NEW,
);
