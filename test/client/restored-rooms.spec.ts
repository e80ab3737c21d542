import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, type Client } from '../../packages/client/src/connect.js';
import { ScriptedSocket } from '../support/scripted-socket.js';

describe('the rooms and watches of a client that reconnects', () => {
  let ann: Client;
  let failed: string[];
  beforeEach(async () => {
    vi.useFakeTimers();
    ann = connect('ws://127.0.0.1', { WebSocket: ScriptedSocket, queueSize: 4, minDelayMs: 10, maxDelayMs: 10 });
    failed = [];
    ann.onError(({ error, receiver }) => failed.push(`${receiver} ${(error as { code?: string }).code}`));
    await opened();
  });
  afterEach(() => {
    ann.close();
    vi.useRealTimers();
  });

  /** Opens the next connection. */
  async function opened(): Promise<ScriptedSocket> {
    await vi.advanceTimersByTimeAsync(20);
    ScriptedSocket.last.welcome();
    return ScriptedSocket.last;
  }

  /** Loses the connection, and opens the next one. */
  async function reopened(): Promise<ScriptedSocket> {
    ScriptedSocket.last.lose();
    return opened();
  }

  async function entered(rooms: readonly string[], users: readonly string[] = []): Promise<void> {
    const settled = Promise.all([...users.map((user) => ann.watch(user)), ...rooms.map((room) => ann.join(room))]);
    ScriptedSocket.last.answer('sys.members', { sessions: [], total: 0 });
    await settled;
  }

  const asked = ({ sent }: ScriptedSocket): string[] => sent.map(({ type, receiver }) => `${type} ${receiver}`);

  it('are back before a queued message is sent, and before the listeners of the state', async () => {
    await entered(['garden', 'kitchen'], ['eve']);
    ScriptedSocket.last.lose();
    void ann.send('#garden', 'chat');
    let phases = 0;
    ann.onState(({ phase }) => phase === 'open' && ++phases && ann.post('#garden', 'cursor'));
    const socket = await opened();
    void ann.send('#garden', 'later');
    expect([ann.phase, ann.post('#garden', 'cursor')]).toEqual(['connecting', false]);
    const restoring = ['sys.watch @eve', 'sys.join #garden', 'sys.join #kitchen'];
    expect(asked(socket)).toEqual(restoring);
    socket.answer('sys.members', {}, ['#garden', '#kitchen']);
    await vi.advanceTimersByTimeAsync(0);
    expect([asked(socket), phases]).toEqual([restoring, 0]); // an answer is missing
    socket.answer('sys.presence', {}, ['@eve']);
    await vi.advanceTimersByTimeAsync(0);
    const later = ['chat #garden', 'later #garden', 'cursor #garden'];
    expect([asked(socket), phases]).toEqual([[...restoring, ...later], 1]);
  });

  it('are not waited for where the connection is lost before they are back', async () => {
    await entered(['garden']);
    const phases: string[] = [];
    ann.onState(({ phase }) => phases.push(phase));
    await reopened();
    (await reopened()).answer('sys.members', {});
    await vi.advanceTimersByTimeAsync(0);
    expect(phases).toEqual(['waiting', 'connecting', 'waiting', 'connecting', 'open']);
  });

  it('do not count for the length of the queue, nor for the unanswered messages of the last connection', async () => {
    await entered(Array.from({ length: 250 }, (_, index) => `room-${index}`));
    await entered(Array.from({ length: 50 }, (_, index) => `more-${index}`));
    expect((await reopened()).sent).toHaveLength(256); // as many may be unanswered
    const socket = await reopened();
    socket.answer('sys.members', {});
    expect([socket.sent.length, failed]).toEqual([300, []]);
  });

  it.each(['rate_limited', 'unavailable', 'internal_error'])('are asked for again after %s', async (code) => {
    await entered(['garden', 'kitchen']);
    const socket = await reopened();
    socket.answer('sys.error', { code, message: '' }, ['#kitchen']);
    socket.answer('sys.members', {}, ['#garden']);
    await vi.advanceTimersByTimeAsync(2000);
    expect(failed).toEqual([`#kitchen ${code}`]);
    expect(asked(socket).slice(2)).toEqual(['sys.join #kitchen']);
    expect(asked(await reopened())).toEqual(['sys.join #garden', 'sys.join #kitchen']);
  });

  it('are asked for again where no answer arrives in time', async () => {
    await entered(['garden']);
    const socket = await reopened();
    await vi.advanceTimersByTimeAsync(15_000 + 2000);
    expect(failed).toEqual(['#garden timeout']);
    expect(asked(socket)).toEqual(['sys.join #garden', 'sys.join #garden']);
  });

  it.each(['forbidden', 'too_many_rooms'])('are dropped and reported after %s', async (code) => {
    await entered(['garden']);
    (await reopened()).answer('sys.error', { code, message: '' });
    await vi.advanceTimersByTimeAsync(5000);
    expect(failed).toEqual([`#garden ${code}`]);
    expect(asked(await reopened())).toEqual([]);
  });

  it('are asked for once, where the connection is lost before the answer', async () => {
    await entered(['garden']);
    await reopened();
    await reopened();
    expect(asked(await reopened())).toEqual(['sys.join #garden']);
    expect(failed).toEqual([]);
  });

  it('end with the notice of the own departure from the room, in the order of the server', async () => {
    const joining = ann.join('garden');
    const socket = ScriptedSocket.last;
    socket.answer('sys.members', { room: 'garden', sessions: [], total: 0 });
    socket.receive({ type: 'sys.left', sender: 'ann.1', receiver: '#garden', data: {} }); // in the same turn
    await joining;
    expect(asked(await reopened())).toEqual([]);
  });

  it('stay where another member leaves, and where a second join is refused for the moment', async () => {
    await entered(['garden']);
    const socket = ScriptedSocket.last;
    socket.receive({ type: 'sys.left', sender: 'bob.1', receiver: '#garden', data: {} });
    const again = ann.join('garden').catch(({ code }: { code: string }) => code);
    socket.receive({ type: 'sys.error', data: { code: 'rate_limited', message: '' }, ref: socket.sent.at(-1)!.id });
    expect(await again).toBe('rate_limited');
    expect(asked(await reopened())).toEqual(['sys.join #garden']);
  });

  it('do not include a room whose leave was on its way when the connection was lost', async () => {
    await entered(['garden', 'kitchen']);
    const leaving = ann.leave('garden');
    const socket = await reopened();
    socket.answer('sys.members', {}, ['#kitchen']);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked(socket)).toEqual(['sys.join #kitchen', 'sys.leave #garden']);
    socket.answer('sys.ack', { status: 'left' }, ['#garden']);
    expect(await leaving).toEqual({ status: 'left' });
  });

  it('leave no timer behind a client that closes', async () => {
    await entered(['garden']);
    (await reopened()).answer('sys.error', { code: 'unavailable', message: '' });
    await vi.advanceTimersByTimeAsync(0);
    ann.close();
    expect([failed, vi.getTimerCount()]).toEqual([['#garden unavailable'], 0]);
  });

  it('reject with closed where the client closes before the answer', async () => {
    const joining = ann.join('garden').catch(({ code }: { code: string }) => code);
    ann.close();
    expect(await joining).toBe('closed');
  });
});
