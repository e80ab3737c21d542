import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client, ConnectOptions, StateChange } from '../../packages/client/src/connect.js';
import { PageEvents } from '../support/page-events.js';
import {
  cut,
  grant,
  HEARTBEAT_MS,
  openClient,
  returned,
  sendNoting,
  settled,
  WINDOW_MS,
} from '../support/scripted-client.js';
import { ScriptedSocket } from '../support/scripted-socket.js';

/** The time after which the server must have ended a session that is away. */
const KEPT_MS = WINDOW_MS + 2 * HEARTBEAT_MS;

describe('a client that offers the return of its session', () => {
  let page: PageEvents;
  let ann: Client;
  let states: StateChange[];
  let outcomes: string[];
  beforeEach(() => {
    vi.useFakeTimers();
    outcomes = [];
  });
  afterEach(() => {
    ann.close();
    vi.useRealTimers();
  });

  /** Sends a message, receives two, and makes an offer that has no outcome when the time of the session is over. */
  async function offered(options: ConnectOptions = {}): Promise<ScriptedSocket> {
    page = new PageEvents();
    ({ ann, states } = await openClient({ WebSocket: page.socketClass(ScriptedSocket), ...options }));
    sendNoting(outcomes, ann, 'sent');
    await settled();
    for (let count = 0; count < 2; count++) ScriptedSocket.last.receive({ type: 'chat' });
    page.emit('freeze');
    await vi.advanceTimersByTimeAsync(KEPT_MS - 1000);
    page.emit('resume');
    await settled();
    expect(ScriptedSocket.last.protocols.at(-1)).toBe('resume.first.2');
    await vi.advanceTimersByTimeAsync(2000);
    return ScriptedSocket.last;
  }

  it('keeps the session and both counts until the server has accepted a late return', async () => {
    const socket = await offered();
    expect(outcomes).toEqual([]);
    returned(socket, 0);
    expect(states.at(-1)).toEqual({ phase: 'open', id: 'ann.1', resumed: true });
    expect(socket.sentTypes).toEqual(['sent 1']);
    socket.receive({ type: 'sys.ack', data: { status: 'held' }, ref: '1' });
    await settled();
    expect(outcomes).toEqual(['sent held']);
    expect((await cut()).protocols[1]).toBe('resume.second.3');
  });

  it('reports that the server has refused a late return', async () => {
    const socket = await offered();
    socket.welcome({ ...grant('other'), resumed: false, reason: 'expired' }, 'ann.2');
    await settled();
    expect(states.at(-1)).toEqual({ phase: 'open', id: 'ann.2', resumed: false, reason: 'expired' });
    expect([socket.sent, outcomes]).toEqual([[], ['sent unknown_outcome true']]);
    expect((await cut()).protocols[1]).toBe('resume.other.0');
  });

  it('gives up where a late handshake fails', async () => {
    await offered();
    const next = await cut();
    expect(outcomes).toEqual(['sent unknown_outcome true']);
    expect(states.slice(-2)).toEqual([
      { phase: 'waiting', code: 1006, reason: '', delayMs: expect.any(Number) as number },
      { phase: 'connecting' },
    ]);
    expect(next.protocols[1]).toBe('resume');
    next.welcome(grant('other'), 'ann.2');
    expect((await cut()).protocols[1]).toBe('resume.other.0');
  });

  it('gives up where a late handshake gets no welcome in time', async () => {
    await offered({ timeoutMs: 3000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(outcomes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes).toEqual(['sent unknown_outcome true']);
  });

  it('counts the time of the next loss anew after a late return', async () => {
    returned(await offered(), 1);
    page.emit('freeze');
    await vi.advanceTimersByTimeAsync(KEPT_MS - 1);
    expect(outcomes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes).toEqual(['sent unknown_outcome true']);
  });
});
