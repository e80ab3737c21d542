import { WebSocket } from 'ws';
import {
  connect,
  type Client,
  type ConnectOptions,
  type Envelope,
  type Phase,
  type StateChange,
} from '../../packages/client/src/connect.js';

/** Short delays for fast tests. */
const OPTIONS = { WebSocket, minDelayMs: 20, maxDelayMs: 200 };

/** Connects with the project's client in Node; tests check its errors where they await them. */
export function join(url: string, options: ConnectOptions = {}): Client {
  return connect(url, { ...OPTIONS, ...options });
}

/** Resolves when the client enters a phase; call it before the cause. */
export function becomes(client: Client, phase: Phase): Promise<StateChange> {
  return new Promise((resolve) => {
    const stop = client.onState((change) => {
      if (change.phase !== phase) return;
      stop();
      resolve(change);
    });
  });
}

/** Resolves to the next envelope of a type; call it before the cause. */
export function receives(client: Client, type: string): Promise<Envelope> {
  return new Promise((resolve) => {
    const stop = client.on(type, (envelope) => {
      stop();
      resolve(envelope);
    });
  });
}

/** Resolves to the code of a rejection. */
export function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code?: unknown }).code,
  );
}
