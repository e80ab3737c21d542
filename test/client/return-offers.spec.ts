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
/** The largest `HEARTBEAT_MS`, which is also the longest delay of a timer. */
const MAX_HEARTBEAT_MS = 2_147_483_647;

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

  /** Sends a message, receives two, is away for some time, and resolves to the next socket, before its welcome. */
  async function offered(awayMs: number, options: ConnectOptions = {}): Promise<ScriptedSocket> {
    page = new PageEvents();
    ({ ann, states } = await openClient({ WebSocket: page.socketClass(ScriptedSocket), ...options }));
    sendNoting(outcomes, ann, 'sent');
    await settled();
    for (let count = 0; count < 2; count++) ScriptedSocket.last.receive({ type: 'chat' });
    page.emit('freeze'); // makes no attempt
    await vi.advanceTimersByTimeAsync(awayMs);
    page.emit('resume');
    await settled();
    return ScriptedSocket.last;
  }

  /** Resolves to a socket that has no welcome when the time of the session is over. */
  async function offeredLate(options?: ConnectOptions): Promise<ScriptedSocket> {
    const socket = await offered(KEPT_MS - 1000, options);
    expect(socket.protocols[1]).toBe('resume.first.2');
    await vi.advanceTimersByTimeAsync(2000);
    return socket;
  }

  it('keeps the session and both counts until the server has accepted a late return', async () => {
    const socket = await offeredLate();
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
    const socket = await offeredLate();
    socket.welcome({ ...grant('other'), resumed: false, reason: 'expired' }, 'ann.2');
    await settled();
    expect(states.at(-1)).toEqual({ phase: 'open', id: 'ann.2', resumed: false, reason: 'expired' });
    expect([socket.sent, outcomes]).toEqual([[], ['sent unknown_outcome true']]);
    expect((await cut()).protocols[1]).toBe('resume.other.0');
  });

  it('gives up where a late handshake fails', async () => {
    await offeredLate();
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
    await offeredLate({ timeoutMs: 3000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(outcomes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes).toEqual(['sent unknown_outcome true']);
  });

  it('reports the phase once more without `away` when the time of its session is over', async () => {
    page = new PageEvents();
    ({ ann, states } = await openClient({ WebSocket: page.socketClass(ScriptedSocket) }));
    sendNoting(outcomes, ann, 'sent');
    page.emit('freeze');
    await vi.advanceTimersByTimeAsync(KEPT_MS - 1);
    const waiting = { phase: 'waiting', code: 1001, reason: 'page_hidden' };
    expect([states, outcomes]).toEqual([[{ ...waiting, away: true }], []]);
    await vi.advanceTimersByTimeAsync(1);
    expect([states.slice(1), outcomes]).toEqual([[waiting], ['sent unknown_outcome true']]);
  });

  it('counts the time of the next loss anew after a late return', async () => {
    returned(await offeredLate(), 1);
    page.emit('freeze');
    await vi.advanceTimersByTimeAsync(KEPT_MS - 1);
    expect(outcomes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes).toEqual(['sent unknown_outcome true']);
  });

  it('offers no session that it gave up while a token was fetched', async () => {
    let fetches = 0;
    const slow = () => new Promise<string>((resolve) => setTimeout(resolve, 2000, 'late'));
    await offered(KEPT_MS - 1000, { token: () => (++fetches === 1 ? 'early' : slow()) });
    await vi.advanceTimersByTimeAsync(2000);
    expect(ScriptedSocket.last.protocols).toEqual(['switchboard.v1', 'bearer.late', 'resume']);
    expect(outcomes).toEqual(['sent unknown_outcome true']);
  });

  it('offers a session after a loss where heartbeats are as rare as the server allows', async () => {
    page = new PageEvents();
    ({ ann } = await openClient({ WebSocket: page.socketClass(ScriptedSocket) }));
    (await cut()).welcome({ ...grant('second'), resumed: true, received: 0, heartbeatMs: MAX_HEARTBEAT_MS });
    page.emit('freeze');
    await vi.advanceTimersByTimeAsync(WINDOW_MS);
    page.emit('resume');
    await settled();
    expect(ScriptedSocket.last.protocols[1]).toBe('resume.second.0');
  });

  it.each<[string, () => void]>([
    ['cuts the handshake', () => ann.reconnect()],
    ['freezes the page', () => ['freeze', 'resume'].forEach((type) => page.emit(type))],
  ])('offers the same count where it %s, and reads no frame of the first connection', async (_, interrupt) => {
    const first = await offered(WINDOW_MS);
    interrupt();
    returned(first, 1);
    first.receive({ type: 'chat' });
    first.lose();
    await vi.advanceTimersByTimeAsync(1000);
    const next = ScriptedSocket.last;
    expect(next.protocols[1]).toBe('resume.first.2');
    returned(next, 0, 'third');
    expect([first.sent.length, next.sentTypes]).toEqual([0, ['sent 1']]);
    expect((await cut()).protocols[1]).toBe('resume.third.2');
  });

  it('sends no probe during the handshake where its page is shown', async () => {
    const socket = await offered(WINDOW_MS);
    page.becomes('visible');
    page.emit('online');
    await vi.advanceTimersByTimeAsync(2000);
    expect([ScriptedSocket.last, socket.sent, socket.closes]).toEqual([socket, [], []]);
    returned(socket, 0);
    expect(socket.sentTypes).toEqual(['sent 1']);
  });

  it('reads no welcome after close()', async () => {
    const socket = await offered(WINDOW_MS);
    ann.close();
    returned(socket, 0);
    await settled();
    expect([states.at(-1), outcomes]).toEqual([
      { phase: 'closed', code: 1000, reason: '' },
      ['sent unknown_outcome true'],
    ]);
    expect([socket.sent, vi.getTimerCount()]).toEqual([[], 0]);
  });
});

describe('a client that gets a text which is not an envelope', () => {
  it.each(['hi', '"hi"', 'null', '{"event":"exception"}'])('counts %s, and keeps its connection', async (text) => {
    vi.useFakeTimers();
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const { ann, states } = await openClient();
    ScriptedSocket.last.onmessage!({ data: text });
    ScriptedSocket.last.receive({ type: 'chat' });
    expect([states, warn.mock.calls]).toEqual([[], [[`not an envelope: ${text}`]]]);
    expect((await cut()).protocols[1]).toBe('resume.first.2');
    ann.close();
    warn.mockRestore();
    vi.useRealTimers();
  });
});
