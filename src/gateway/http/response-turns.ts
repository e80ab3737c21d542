import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Knows which sockets of an HTTP server owe a response. Node emits `upgrade` while the responses to earlier requests of
 * the same socket are still being made, and the answer to the upgrade must not overtake them.
 */
export class ResponseTurns {
  /** The latest response of each socket that owes one; responses are sent in order. */
  readonly #latest = new WeakMap<Duplex, ServerResponse>();
  /** Sockets whose work has a bound, until the work runs or the socket closes. */
  readonly #bounded = new Set<Duplex>();

  /** Notes the response of a request before any listener makes it. */
  note({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#latest.set(socket, response);
    response.once('close', () => {
      if (this.#latest.get(socket) === response) this.#latest.delete(socket);
    });
  }

  /**
   * Runs `work` once the socket owes no response; never where the socket closes before.
   *
   * @param maxMs milliseconds after which a waiting socket is destroyed, 0 for no limit. {@link stop} destroys it, too.
   *   Without the parameter the socket waits as long as the response takes, as a plain request does.
   */
  run(socket: Duplex, work: () => void, maxMs?: number): void {
    const response = this.#latest.get(socket);
    if (response === undefined) return work();
    // The listener stays, because Node has removed its own and an error of the last write may still be pending.
    socket.on('error', () => socket.destroy());
    const timer = maxMs ? setTimeout(() => socket.destroy(), maxMs) : undefined;
    if (maxMs !== undefined) this.#bounded.add(socket);
    const end = (): void => {
      clearTimeout(timer);
      this.#bounded.delete(socket);
      response.off('close', onTurn);
      socket.off('close', end);
    };
    const onTurn = (): void => {
      end();
      if (socket.writable) work();
      else socket.destroy();
    };
    response.once('close', onTurn);
    socket.once('close', end);
  }

  /** Destroys the sockets whose work has a bound and still waits. */
  stop(): void {
    for (const socket of this.#bounded) socket.destroy();
  }
}
