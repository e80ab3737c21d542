import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ServerConnection } from '../../packages/client/src/server-connection.js';
import type { SocketLike } from '../../packages/client/src/socket.js';

const HEARTBEAT_MS = 25_000;
const WELCOME = JSON.stringify({ type: 'sys.welcome', receiver: 'n.1', data: { heartbeatMs: HEARTBEAT_MS } });

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
beforeEach(() => {
  vi.useFakeTimers();
  socket = new QuietSocket();
  reasons = [];
  const events = { received: () => undefined, closed: (_: number, reason: string) => void reasons.push(reason) };
  connection = new ServerConnection(socket, events, 15_000);
  socket.onmessage!({ data: WELCOME });
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

it('keeps the time of a ping that is under way at an event of the page', () => {
  vi.advanceTimersByTime(2 * HEARTBEAT_MS);
  connection.probe();
  vi.advanceTimersByTime(HEARTBEAT_MS - 1);
  expect(reasons).toEqual([]);
});
