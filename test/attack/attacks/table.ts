import type { Attack } from '../attacker.js';
import { authFlood } from './auth-flood.js';
import { halfOpenHandshakes, halfTls, handshakeFlood, silentConnections } from './connection-floods.js';
import { deadKeys } from './dead-keys.js';
import { pipelinedRequests, slowReaders } from './http-floods.js';
import { malformedFrames } from './malformed-frames.js';
import * as resumed from './resume-floods.js';
import * as rooms from './room-floods.js';
import * as floods from './session-floods.js';
import { storms } from './storms.js';
import { waitingCalls } from './waiting-calls.js';
import { whoFlood } from './who-flood.js';
import { wideBodies } from './wide-bodies.js';

/** Every attack, and when it is. */
export const ATTACKS: [string, Attack][] = [
  ['during a flood of sys.who in one write, whose answers are not read', whoFlood],
  ['during a flood of bodies with 7,000 unknown keys', wideBodies],
  ['while 20 sessions fill their handler queues with the longest messages', waitingCalls],
  ['during a flood of sys.auth while the source of keys is silent', authFlood],
  ['during a flood of bad tokens while the source of keys fails', deadKeys],
  ['while ten connections pipeline requests for an unknown path', pipelinedRequests],
  ['while 20 connections do not read their HTTP responses', slowReaders],
  ['while 250 TCP connections stay silent, each of which is ended', silentConnections],
  ['while 50 connections send the first byte of TLS, each of which is ended', halfTls],
  ['during 250 half-open handshakes, each of which is ended', halfOpenHandshakes],
  ['during a flood of handshakes of one address, which are rejected', handshakeFlood],
  ['during a flood of broadcasts to all sessions', floods.broadcasts],
  ['while sessions join and leave a room as fast as their rates allow', rooms.changes],
  ['while sessions fill rooms to the limit, end and reconnect', rooms.fullRooms],
  ['during a flood of messages to a room whose members do not read', rooms.messages],
  ['while sessions watch users who come and go', rooms.watches],
  ['while resumable sessions are opened and dropped', resumed.dropped],
  ['while a client asks for the session of another with wrong tokens', resumed.wrongTokens],
  ['while sessions that are away are sent more than is kept, and all return many times', resumed.filledBuffers],
  ['while resumable sessions never send sys.seen', resumed.unseen],
  ['during a flood of sys.seen, whose session is closed with 1008', resumed.seenFlood],
  ['while sessions are opened and ended as fast as the server allows', storms],
  ['during a flood of pings of one session, which is closed with 1008', floods.pings],
  ['during a flood of pongs of one session, which is closed with 1008', floods.pongs],
  ['during 100,000 tiny fragments of one session, which is closed with 1008', floods.fragments],
  ['during a flood of messages of one session, which is closed with 1008', floods.messages],
  ['during a flood of sys.join of one session, which is closed with 1008', floods.joins],
  ['during a flood of unknown types, whose session is closed with 1008', floods.unknownTypes],
  ['during a flood of malformed messages, whose session is closed with 1008', floods.malformedMessages],
  ['while sessions send malformed frames, each of which is ended', malformedFrames],
];
