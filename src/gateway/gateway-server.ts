import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import { SessionRegistry } from '../sessions/session-registry.js';
import { GatewaySocket } from './gateway-socket.js';

/**
 * The server that gateways get. Handshakes are made by a server of `SessionOpener`, which keeps no list of sockets:
 * `clients` is a view of the open sessions, so that a session costs no entry.
 */
@Injectable()
export class GatewayServer extends WebSocketServer {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    sessions: SessionRegistry,
  ) {
    super({ noServer: true, clientTracking: false });
    this.setMaxListeners(0); // each gateway may add its own
    Object.defineProperty(this, 'clients', { value: new OpenSockets(sessions), enumerable: true });
  }

  /** Returns the address of the HTTP server, where the base class throws. */
  override address(): ReturnType<Server['address']> {
    return (this.adapterHost.httpAdapter.getHttpServer() as Server).address();
  }

  /** @throws {Error} always, because sessions outlast this server; only the application may end them */
  override close(): never {
    throw new Error('the server of a gateway closes with the application; use app.close(), or client.close() for one');
  }

  /** @throws {Error} before anything is written, because the socket would be open without a session */
  override handleUpgrade(): never {
    throw new Error(
      'only handshakes at WS_PATH open sessions; use a WebSocketServer of `ws` with { noServer: true } for other paths',
    );
  }
}

/** The sockets of all open sessions, like the `Set` of `ws`, and read-only. */
class OpenSockets implements Iterable<GatewaySocket> {
  constructor(private readonly sessions: SessionRegistry) {}

  get size(): number {
    return this.sessions.size;
  }

  has(socket: unknown): boolean {
    return socket instanceof GatewaySocket && socket.session?.closed === false;
  }

  *[Symbol.iterator](): Iterator<GatewaySocket> {
    for (const { connection } of this.sessions.all()) if (connection instanceof GatewaySocket) yield connection;
  }

  values(): Iterator<GatewaySocket> {
    return this[Symbol.iterator]();
  }

  keys(): Iterator<GatewaySocket> {
    return this[Symbol.iterator]();
  }

  *entries(): Iterator<[GatewaySocket, GatewaySocket]> {
    for (const socket of this) yield [socket, socket];
  }

  forEach(callback: (socket: GatewaySocket, same: GatewaySocket, sockets: this) => void, thisArg?: unknown): void {
    for (const socket of this) callback.call(thisArg, socket, socket, this);
  }

  add(): never {
    throw readOnly();
  }

  delete(): never {
    throw readOnly();
  }

  clear(): never {
    throw readOnly();
  }
}

function readOnly(): TypeError {
  return new TypeError('server.clients is read-only; use client.close() to end a session');
}
