import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, type Client, type ConnectOptions, type StateChange } from '../../packages/client/src/connect.js';
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

describe('a client whose session may return', () => {
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

  async function opened(options?: ConnectOptions): Promise<ScriptedSocket> {
    ({ ann, states } = await openClient(options));
    return ScriptedSocket.last;
  }

  /** Sends a message, and notes its outcome under its type. */
  const send = (type: string, options?: { timeoutMs?: number; id?: string }) =>
    sendNoting(outcomes, ann, type, options);

  /** Joins a room, loses the connection, and resolves to the next socket, before its welcome. */
  async function cutInGarden(): Promise<ScriptedSocket> {
    const socket = await opened();
    const entered = ann.join('garden');
    await settled();
    socket.answer('sys.members', { sessions: [], total: 0 });
    await entered;
    return cut();
  }

  it('asks for it in its first handshake, and offers its token and its count in the next ones', async () => {
    const socket = await opened({ token: () => 'secret' });
    expect(socket.protocols).toEqual(['switchboard.v1', 'bearer.secret', 'resume']);
    for (const type of ['chat', 'sys.joined', 'chat']) socket.receive({ type });
    socket.receive({ type: 'sys.seen', data: { frames: 0 } }); // does not count
    expect((await cut()).protocols[2]).toBe('resume.first.3');
    expect((await cut()).protocols[2]).toBe('resume.first.3'); // the welcome was lost
    returned(ScriptedSocket.last, 0);
    ScriptedSocket.last.receive({ type: 'chat' });
    expect((await cut()).protocols[2]).toBe('resume.second.4');
  });

  it('does not ask for it with resume: false', async () => {
    const socket = await opened({ resume: false });
    expect(socket.protocols).toEqual(['switchboard.v1']);
  });

  it('sends again what the server has not received, once and in order, before anything new', async () => {
    const socket = await opened();
    for (const type of ['a', 'b', 'c']) send(type);
    ann.post('bob.1', 'd');
    await settled();
    socket.receive({ type: 'sys.seen', data: { frames: 1 } });
    const next = await cut();
    send('e');
    await settled();
    expect(next.sent).toEqual([]);
    returned(next, 2);
    expect(next.sentTypes).toEqual(['c 3', 'd', 'e 4']);
    const last = await cut();
    returned(last, 4, 'third');
    expect(last.sentTypes).toEqual(['e 4']);
  });

  it('keeps its promises until their answers, and rejects none of them', async () => {
    const socket = await opened();
    const stream = ann.stream('ticks');
    send('kept');
    await settled();
    socket.receive({ type: 'ticks', data: 1, ref: '1' });
    const next = await cut();
    returned(next, 2);
    next.receive({ type: 'ticks', data: 2, ref: '1' });
    next.receive({ type: 'sys.ack', data: { status: 'held' }, ref: '2' });
    next.receive({ type: 'sys.ack', data: { status: 'accepted' }, ref: '1' });
    const values: unknown[] = [];
    for await (const value of stream) values.push(value);
    expect([values, outcomes]).toEqual([[1, 2], ['kept held']]);
  });

  it('reports away and resumed to onState, with the same id', async () => {
    await opened();
    returned(await cut(), 0);
    expect(states).toEqual([
      { phase: 'waiting', code: 1006, reason: '', delayMs: expect.any(Number) as number, away: true },
      { phase: 'connecting', away: true },
      { phase: 'open', id: 'ann.1', resumed: true },
    ]);
    expect(ann.phase).toBe('open');
  });

  it('reports why the session did not return, and rejects what was unanswered with unknown_outcome', async () => {
    await opened();
    send('lost');
    await settled();
    const next = await cut();
    send('queued');
    await settled();
    expect(outcomes).toEqual([]);
    next.welcome({ ...grant('other'), resumed: false, reason: 'expired' }, 'ann.2');
    await settled();
    expect(states.at(-1)).toEqual({ phase: 'open', id: 'ann.2', resumed: false, reason: 'expired' });
    expect([next.sentTypes, outcomes]).toEqual([['queued 2'], ['lost unknown_outcome true']]);
    expect((await cut()).protocols[1]).toBe('resume.other.0');
  });

  it('works as before with a server that does not know it', async () => {
    ann = connect('ws://127.0.0.1', { WebSocket: ScriptedSocket, minDelayMs: 10, maxDelayMs: 10 });
    states = [];
    await settled();
    ann.onState((change) => states.push(change));
    ScriptedSocket.last.welcome();
    for (let count = 0; count < 100; count++) ScriptedSocket.last.receive({ type: 'chat' });
    send('lost');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ScriptedSocket.last.sentTypes).toEqual(['lost 1']);
    const next = await cut();
    expect([next.protocols, outcomes]).toEqual([['switchboard.v1', 'resume'], ['lost unknown_outcome true']]);
    next.welcome({}, 'ann.2');
    expect(states.map(({ away, resumed }) => away ?? resumed)).toEqual(states.map(() => undefined));
  });

  it('joins and watches nothing again after a return, and everything in a new session', async () => {
    const socket = await opened();
    const entered = Promise.all([ann.join('garden'), ann.watch('eve')]);
    await settled();
    socket.answer('sys.members', { sessions: [], total: 0 });
    await entered;
    const next = await cut();
    returned(next, 2);
    expect(next.sent).toEqual([]);
    const last = await cut();
    last.welcome({ ...grant('other'), resumed: false, reason: 'node_lost' }, 'ann.2');
    expect(last.sent.map(({ type, receiver }) => `${type} ${receiver}`)).toEqual([
      'sys.join #garden',
      'sys.watch @eve',
    ]);
  });

  it('asks again for a room that failed before it was away', async () => {
    const next = await cutInGarden();
    next.welcome({ ...grant('other'), resumed: false }, 'ann.2');
    next.answer('sys.error', { code: 'rate_limited', message: '' });
    await settled();
    expect(ann.phase).toBe('open');
    const last = await cut();
    returned(last, 1, 'third');
    await vi.advanceTimersByTimeAsync(2000);
    expect(last.sent.map(({ type }) => type)).toEqual(['sys.join']);
  });

  it('opens a session that was lost while its rooms were restored once they are, as a new one', async () => {
    const next = await cutInGarden();
    next.welcome({ ...grant('other'), resumed: false, reason: 'ended' }, 'ann.2');
    send('behind');
    const last = await cut();
    returned(last, 0, 'third');
    expect([ann.phase, last.sentTypes]).toEqual(['connecting', ['sys.join 2']]);
    last.receive({ type: 'sys.members', data: { room: 'garden', sessions: [], total: 0 }, ref: '2' });
    await settled();
    expect(last.sentTypes).toEqual(['sys.join 2', 'behind 3']);
    expect(states.filter(({ phase }) => phase === 'open')).toEqual([
      { phase: 'open', id: 'ann.2', resumed: false, reason: 'ended' },
    ]);
  });

  it('reports no failure of rooms whose restoration the next session begins anew', async () => {
    const failed: unknown[] = [];
    const next = await cutInGarden();
    ann.onError(({ error }) => failed.push(error));
    next.welcome({ ...grant('second'), resumed: false }, 'ann.2');
    const last = await cut();
    last.welcome({ ...grant('third'), resumed: false }, 'ann.3');
    await vi.advanceTimersByTimeAsync(2000);
    expect([failed, last.sentTypes]).toEqual([[], ['sys.join 3']]);
  });

  describe('reports what it has seen', () => {
    const seen = (frames: number) => ({ type: 'sys.seen', data: { frames } });

    it('after 64 frames', async () => {
      const socket = await opened();
      for (let count = 0; count < 63; count++) socket.receive({ type: 'chat' });
      expect(socket.sent).toEqual([]);
      for (let count = 0; count < 65; count++) socket.receive({ type: 'chat' });
      expect(socket.sent).toEqual([seen(64), seen(128)]);
    });

    it.each(['a', 'ä', '語'])('before it has received 64 KiB of %s and one more frame', async (character) => {
      const socket = await opened();
      let unseenBytes = 0;
      for (let count = 0; count < 40; count++) {
        const text = JSON.stringify({ type: 'chat', data: character.repeat(1500) });
        socket.onmessage!({ data: text });
        unseenBytes = socket.sent.length > 0 ? 0 : unseenBytes + Buffer.byteLength(text);
        expect(unseenBytes).toBeLessThan(65_536);
        socket.sent.length = 0;
      }
    });

    it('after 5 s, where there is something new', async () => {
      const socket = await opened();
      await vi.advanceTimersByTimeAsync(20_000);
      expect(socket.sent).toEqual([]);
      socket.receive({ type: 'chat' });
      await vi.advanceTimersByTimeAsync(4999);
      expect(socket.sent).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(socket.sent).toEqual([seen(1)]);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(socket.sent).toHaveLength(1);
    });

    it('before it closes with 1000', async () => {
      const socket = await opened();
      socket.receive({ type: 'chat' });
      ann.close();
      expect([socket.sent, socket.closes]).toEqual([[seen(1)], [1000]]);
    });

    it('not again in what it sends after a return', async () => {
      const socket = await opened();
      for (let count = 0; count < 64; count++) socket.receive({ type: 'chat' });
      send('mine');
      const next = await cut();
      returned(next, 0);
      expect(next.sentTypes).toEqual(['mine 1']);
    });
  });

  describe('with much that the server has not seen', () => {
    it('lets requests wait in the queue, drops posts, and goes on when the server has seen enough', async () => {
      const socket = await opened({ resumeBufferSize: 120, queueSize: 1 });
      send('x'.repeat(60));
      await settled();
      send('second');
      await settled();
      expect(ann.post('bob.1', 'cursor')).toBe(false);
      send('waits');
      send('full');
      await settled();
      expect(outcomes).toEqual(['full queue_full false']);
      expect(socket.sent).toHaveLength(2);
      socket.receive({ type: 'sys.seen', data: { frames: 1 } });
      expect(socket.sent).toHaveLength(3);
    });

    it('sends a message that is longer than the buffer', async () => {
      const socket = await opened({ resumeBufferSize: 10 });
      send('x'.repeat(60));
      await settled();
      expect(socket.sent).toHaveLength(1);
    });
  });

  describe('while it is away', () => {
    it('stops the default time limit, and keeps one of the message', async () => {
      const socket = await opened({ timeoutMs: 1000 });
      send('default');
      send('short', { timeoutMs: 1500 });
      await vi.advanceTimersByTimeAsync(900);
      socket.lose();
      send('queued');
      await vi.advanceTimersByTimeAsync(800);
      expect(outcomes).toEqual(['short timeout true']);
      ScriptedSocket.last.lose();
      await vi.advanceTimersByTimeAsync(20);
      returned(ScriptedSocket.last, 2);
      await vi.advanceTimersByTimeAsync(999);
      expect(outcomes).toEqual(['short timeout true']);
      await vi.advanceTimersByTimeAsync(1);
      expect(outcomes).toEqual(['short timeout true', 'queued timeout true', 'default timeout true']);
    });

    it('gives up when the server must have ended the session, and then asks for a new one', async () => {
      const page = new PageEvents();
      await opened({ WebSocket: page.socketClass(ScriptedSocket) });
      send('lost');
      await settled();
      page.emit('freeze'); // ends all attempts
      await vi.advanceTimersByTimeAsync(WINDOW_MS + 2 * HEARTBEAT_MS - 1);
      expect(outcomes).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(outcomes).toEqual(['lost unknown_outcome true']);
      page.emit('resume');
      await settled();
      const next = ScriptedSocket.last;
      expect(next.protocols[1]).toBe('resume');
      next.welcome(grant('other'), 'ann.2');
      expect(states.at(-1)).toEqual({ phase: 'open', id: 'ann.2' });
    });

    it('counts the time of each loss from its beginning', async () => {
      await opened();
      returned(await cut(), 0);
      await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
      ScriptedSocket.last.receive({ type: 'chat' });
      await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
      ScriptedSocket.last.receive({ type: 'chat' });
      await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
      expect((await cut()).protocols[1]).toBe('resume.second.2');
    });

    it('rejects what is unanswered where the client closes', async () => {
      const socket = await opened();
      send('sent');
      await settled();
      socket.lose();
      send('queued');
      await settled();
      ann.close();
      await settled();
      expect(outcomes).toEqual(['sent unknown_outcome true', 'queued closed false']);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('stops after 4001, because the session returned on another connection', async () => {
      const socket = await opened();
      send('sent');
      await settled();
      socket.lose(4001);
      await settled();
      expect([ann.phase, outcomes]).toEqual(['closed', ['sent unknown_outcome true']]);
    });
  });

  it('closes without a code where its page is frozen, and returns when the page is shown', async () => {
    const page = new PageEvents();
    const socket = await opened({ WebSocket: page.socketClass(ScriptedSocket) });
    socket.receive({ type: 'chat' });
    page.emit('freeze');
    expect([socket.closes, socket.sentTypes]).toEqual([[undefined], ['sys.seen']]);
    expect(states).toEqual([{ phase: 'waiting', code: 1001, reason: 'page_hidden', away: true }]);
    page.emit('resume');
    await vi.advanceTimersByTimeAsync(1000);
    expect(ScriptedSocket.last.protocols[1]).toBe('resume.first.1');
  });

  it('checks its connection when the device wakes, unless the page is hidden', async () => {
    const page = new PageEvents();
    const socket = await opened({ WebSocket: page.socketClass(ScriptedSocket) });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(socket.sent).toEqual([]);
    page.document.visibilityState = 'hidden';
    vi.setSystemTime(Date.now() + 60_000);
    await vi.advanceTimersByTimeAsync(5010);
    expect(socket.sent).toEqual([]);
    page.document.visibilityState = 'visible';
    vi.setSystemTime(Date.now() + 60_000);
    await vi.advanceTimersByTimeAsync(5010);
    expect(socket.sentTypes).toEqual(['sys.ping']);
  });

  it('sends a message under an id of the application, once at a time, and gets sys.undelivered for it', async () => {
    const socket = await opened();
    const undelivered: unknown[] = [];
    ann.on('sys.undelivered', ({ ref, data }) => undelivered.push(ref, data.receiver));
    send('mine', { id: '2' });
    await expect(ann.send('bob.1', 'same', undefined, { id: '2' })).rejects.toThrow('The id 2 is in use.');
    send('other');
    send('third');
    expect(socket.sentTypes).toEqual(['mine 2', 'other 1', 'third 3']);
    socket.receive({ type: 'sys.ack', data: { status: 'held' }, ref: '2' });
    socket.receive({ type: 'sys.undelivered', data: { receiver: 'bob.1' }, ref: '2' });
    await settled();
    expect([outcomes, undelivered]).toEqual([['mine held'], ['2', 'bob.1']]);
  });
});
