import type { WatchPage } from './page-life.js';

/** Declares a method, because method parameters are bivariant: sockets with richer event types fit, too. */
interface EventSlot<Event> {
  listener(event: Event): void;
}

type Listener<Event> = EventSlot<Event>['listener'] | null;

/** The part of the WebSocket interface that the client uses; browsers, Node and `ws` have it. */
export interface SocketLike {
  onmessage: Listener<{ readonly data: unknown }>;
  onclose: Listener<{ readonly code: number; readonly reason: string }>;
  onerror: Listener<never>;
  /** Bytes that the socket has not sent yet, where the socket counts them. */
  readonly bufferedAmount?: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Closes without a closing handshake, where the socket can. */
  terminate?(): void;
}

export interface SocketClass {
  new (url: string, protocols: string[]): SocketLike;
  /** Replaces the events of a browser's page, where the environment has events of its own. */
  readonly watchPage?: WatchPage;
}
