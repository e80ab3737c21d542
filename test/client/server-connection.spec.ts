import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServerConnection } from '../../packages/client/src/server-connection.js';
import type { SocketLike } from '../../packages/client/src/socket.js';

const HEARTBEAT_MS = 25_000;

/** A socket whose peer reads everything and sends only what the test sends. */
class QuietSocket {
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  onerror: SocketLike['onerror'] = null;
  bufferedAmount = 0;
  send(): void {}
  close(): void {}
}

let socket: QuietSocket;
let connection: ServerConnection;
let reasons: string[];
const receive = (envelope: object) => socket.onmessage!({ data: JSON.stringify(envelope) });
beforeEach(() => {
  vi.useFakeTimers();
  socket = new QuietSocket();
  reasons = [];
  const events = {
    received: () => undefined,
    ignored: () => undefined,
    sent: () => undefined,
    closed: (_: number, reason: string) => void reasons.push(reason),
  };
  connection = new ServerConnection(socket, events, 15_000);
  receive({ type: 'sys.welcome', receiver: 'n.1', data: { heartbeatMs: HEARTBEAT_MS } });
});
afterEach(() => vi.useRealTimers());

it('cuts a silent connection after three heartbeats, because a slow link may still carry a long message', () => {
  vi.advanceTimersByTime(3 * HEARTBEAT_MS - 1);
  expect(reasons).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(reasons).toEqual(['silent']);
});

it('cuts a connection 5 s after an event of the page', () => {
  connection.probe();
  vi.advanceTimersByTime(4999);
  expect(reasons).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(reasons).toEqual(['silent']);
});

it('cuts a connection 5 s after an event of the page, although a ping after silence has a whole heartbeat', () => {
  vi.advanceTimersByTime(2 * HEARTBEAT_MS);
  connection.probe();
  vi.advanceTimersByTime(4999);
  expect(reasons).toEqual([]);
  vi.advanceTimersByTime(200); // the first ping is unanswered
  expect(reasons).toEqual(['silent']);
});

it('keeps the deadline of a ping at further events', () => {
  for (let count = 0; count < 5; count++) {
    connection.probe();
    vi.advanceTimersByTime(1000);
  }
  expect(reasons).toEqual(['silent']);
});

describe('a long message on its way over a slow link', () => {
  it.each([1000, 5000, 1_000_000])(
    'puts off a probe of the page by 5 ms a character, at most a heartbeat: %i',
    (length) => {
      const excusedMs = Math.min(HEARTBEAT_MS, 5 * length);
      connection.send('x'.repeat(length), 'long');
      connection.probe();
      vi.advanceTimersByTime(5000 + excusedMs - 1);
      expect(reasons).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(reasons).toEqual(['silent']);
    },
  );

  it('is not taken as received where an earlier message is answered', () => {
    connection.send('x', 'early');
    connection.send('x'.repeat(1_000_000), 'long');
    receive({ type: 'sys.ack', ref: 'early' });
    vi.advanceTimersByTime(11 * HEARTBEAT_MS - 1);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(reasons).toEqual(['silent']);
  });

  it.each<[string, object]>([
    ['it is answered', { type: 'sys.ack', ref: 'long' }],
    ['a later message is answered', { type: 'sys.ack', ref: 'late' }],
    ['a later ping is answered', { type: 'sys.pong' }],
  ])('puts nothing off once %s', (_, answer) => {
    connection.send('x'.repeat(1_000_000), 'long');
    connection.send('x', 'late');
    connection.probe();
    receive(answer);
    vi.advanceTimersByTime(3 * HEARTBEAT_MS);
    expect(reasons).toEqual(['silent']);
  });
});
