import { clientFrame } from '../../support/client-frames.js';
import { bearer, type Attack } from '../attacker.js';
import { many } from './many.js';

/** Sessions of one address, below the limit of its handshakes. */
const SESSIONS = 15;
const WAVES = 4;
/** The limits of one session, and of the messages that it may send at once. */
const ROOMS = 100;
const WATCHES = 190;
const CHANGES = 400;
const MESSAGES = 1000;
/** The longest name of a room or a user. */
const NAME_CHARACTERS = 127;

function request(type: string, receiver: string): Buffer {
  return clientFrame(`{"type":"${type}","receiver":"${receiver}","id":"1"}`, { mask: 0 });
}

/** Returns receivers with the longest names. */
function receivers(prefix: '#' | '@', count: number): string[] {
  return Array.from({ length: count }, (_, index) => prefix + `${index}`.padStart(NAME_CHARACTERS, 'x'));
}

const CHANGE = Buffer.concat([request('sys.join', '#siege'), request('sys.leave', '#siege')]);
const FILL = Buffer.concat(receivers('#', ROOMS).map((receiver) => request('sys.join', receiver)));
const WATCH = Buffer.concat([...receivers('@', WATCHES), '@ann'].map((receiver) => request('sys.watch', receiver)));

/** Joins and leaves one room in many sessions at once, as fast as their rates allow. */
export const changes: Attack = async (attacker) => {
  for (const enemy of await attacker.sessions(SESSIONS * attacker.force)) enemy.socket.write(many(CHANGES, CHANGE));
  await attacker.exchanges(60);
};

/** Fills rooms with long names to the limit of each session; all sessions end and reconnect. */
export const fullRooms: Attack = async (attacker) => {
  for (let wave = 0; wave < WAVES; wave++) {
    const enemies = await attacker.sessions(SESSIONS);
    for (const { socket } of enemies) socket.write(FILL);
    await attacker.exchanges(10);
    for (const { socket } of enemies) socket.destroy();
    await Promise.all(enemies.map(({ ended }) => ended));
  }
  await attacker.exchanges(20);
};

/** Sends to a room whose members do not read, as fast as the rates allow. */
export const messages: Attack = async (attacker) => {
  const enemies = await attacker.sessions(SESSIONS * attacker.force);
  for (const { socket } of enemies) {
    socket.pause();
    socket.write(request('sys.join', '#siege'));
  }
  await attacker.exchanges(5);
  const message = clientFrame(`{"type":"x","receiver":"#siege","data":"${'x'.repeat(1000)}"}`, { mask: 0 });
  for (const { socket } of enemies) socket.write(many(MESSAGES, message));
  await attacker.exchanges(60);
};

/** Watches many users in many sessions, while one watched user comes and goes. */
export const watches: Attack = async (attacker) => {
  for (const { socket } of await attacker.sessions(SESSIONS * attacker.force)) socket.write(WATCH);
  for (let wave = 0; wave < WAVES; wave++) {
    const { socket, ended } = await attacker.session(bearer(attacker.aim.token));
    socket.destroy();
    await ended;
    await attacker.exchanges(5);
  }
  await attacker.exchanges(20);
};
