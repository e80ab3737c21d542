import { clientClosed } from './send-error.js';

/** The part of a client that shows when it is connected. */
interface Connecting {
  readonly id: string | undefined;
  readonly phase: string;
  onState(listener: () => void): () => void;
}

/** Resolves to the session id once connected. @throws {SendError} `closed` if the client has closed */
export function readyOf(client: Connecting): Promise<string> {
  const ready = new Promise<string>((resolve, reject) => {
    const check = (): void => {
      if (client.id !== undefined) resolve(client.id);
      else if (client.phase === 'closed') reject(clientClosed());
      else return;
      unsubscribe();
    };
    const unsubscribe = client.onState(check);
    check();
  });
  ready.catch(() => undefined); // a promise that nobody awaits must not end a Node process
  return ready;
}
