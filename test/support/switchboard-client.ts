import { WebSocket } from 'ws';
import {
  connect,
  type Client,
  type ConnectOptions,
  type Envelope,
  type Phase,
  type StateChange,
} from '../../src/client/connect.js';

/** Waits are short, so that tests are. */
const PARTS = { WebSocket, minDelayMs: 20, maxDelayMs: 200 };

/** The project's own client in Node; its errors are looked at where they are awaited. */
export function join(url: string, parts: ConnectOptions = {}): Client {
  return connect(url, { ...PARTS, ...parts });
}

/** Resolves when the client comes into a phase; ask before the cause. */
export function becomes(client: Client, phase: Phase): Promise<StateChange> {
  return new Promise((resolve) => {
    const stop = client.onState((change) => {
      if (change.phase !== phase) return;
      stop();
      resolve(change);
    });
  });
}

/** Resolves to the next envelope of a type; ask before the cause. */
export function hears(client: Client, type: string): Promise<Envelope> {
  return new Promise((resolve) => {
    const stop = client.on(type, (envelope) => {
      stop();
      resolve(envelope);
    });
  });
}

/** Resolves to the code a promise is rejected with. */
export function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code?: unknown }).code,
  );
}
