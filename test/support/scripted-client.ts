import { vi } from 'vitest';
import { connect, type Client, type ConnectOptions, type StateChange } from '../../packages/client/src/connect.js';
import { ScriptedSocket } from './scripted-socket.js';

export const WINDOW_MS = 60_000;
/** The interval of the welcomes of {@link ScriptedSocket}. */
export const HEARTBEAT_MS = 600_000;

/** Fields of a welcome whose session may return. */
export const grant = (token: string) => ({ resume: { token, windowMs: WINDOW_MS, bytes: 262_144 } });

/** Runs what is due now. */
export const settled = () => vi.advanceTimersByTimeAsync(0);

/** Opens a client on scripted sockets, by fake timers. Its session may return. */
export async function openClient(options: ConnectOptions = {}): Promise<{ ann: Client; states: StateChange[] }> {
  const ann = connect('ws://127.0.0.1', { WebSocket: ScriptedSocket, minDelayMs: 10, maxDelayMs: 10, ...options });
  const states: StateChange[] = [];
  await settled();
  ScriptedSocket.last.welcome(grant('first'));
  ann.onState((change) => states.push(change));
  return { ann, states };
}

/** Loses the connection, and resolves to the next socket, before its welcome. */
export async function cut(): Promise<ScriptedSocket> {
  ScriptedSocket.last.lose();
  await vi.advanceTimersByTimeAsync(20);
  return ScriptedSocket.last;
}

/** Sends the welcome of a session that has returned. @param received frames that the server has received */
export function returned(socket: ScriptedSocket, received: number, token = 'second'): void {
  socket.welcome({ ...grant(token), resumed: true, received, awayMs: 20 });
}

/** Sends a message, and adds its outcome under its type. */
export function sendNoting(
  outcomes: string[],
  ann: Client,
  type: string,
  options?: { timeoutMs?: number; id?: string },
): void {
  void ann.send('bob.1', type, undefined, options).then(
    ({ status }) => outcomes.push(`${type} ${status}`),
    ({ code, sent }: { code: string; sent: boolean }) => outcomes.push(`${type} ${code} ${sent}`),
  );
}
