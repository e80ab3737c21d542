/** As a method, so that a socket whose events have more than these fields fits. */
interface Hearing<Event> {
  hear(event: Event): void;
}

type Listener<Event> = Hearing<Event>['hear'] | null;

/** The part of the WebSocket interface that is used; a browser's, Node's and that of `ws` have it. */
export interface SocketLike {
  onmessage: Listener<{ readonly data: unknown }>;
  onclose: Listener<{ readonly code: number; readonly reason: string }>;
  onerror: Listener<never>;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Cuts without waiting for the other side, where there is such a thing. */
  terminate?(): void;
}

export type SocketClass = new (url: string, protocols: string[]) => SocketLike;
