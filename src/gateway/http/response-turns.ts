import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Knows which sockets of an HTTP server owe a response. Node emits `upgrade` while the responses to earlier requests of
 * the same socket are still being made, and the answer to the upgrade must not overtake them.
 */
export class ResponseTurns {
  /** The latest response of each socket that owes one; responses are sent in order. */
  readonly #latest = new WeakMap<Duplex, ServerResponse>();

  constructor(server: Server) {
    server.prependListener('request', ({ socket }, response) => {
      this.#latest.set(socket, response);
      response.once('close', () => {
        if (this.#latest.get(socket) === response) this.#latest.delete(socket);
      });
    });
  }

  /** Runs `work` once the socket owes no response; never where the socket closes before. */
  run(socket: Duplex, work: () => void): void {
    const response = this.#latest.get(socket);
    if (response === undefined) return work();
    // The listener stays, because Node has removed its own and an error of the last write may still be pending.
    socket.on('error', () => socket.destroy());
    response.once('close', () => {
      if (socket.writable) work();
      else socket.destroy();
    });
  }
}
