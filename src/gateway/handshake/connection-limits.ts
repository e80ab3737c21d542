import { Injectable } from '@nestjs/common';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { HttpRequest, readNoMoreRequests } from '../http/http-request.js';
import { intercept } from '../http/intercept.js';
import { OpenConnections, type HttpConnection } from '../http/open-connections.js';
import { rejectRequest, rejectUpgrade, type HandshakeRejection } from '../http/rejection.js';
import { endUnread } from '../http/socket-end.js';
import { bodyTransfer, hasBody, responsesOf, TransferWatch } from '../http/transfer-watch.js';
import { Settings } from '../../settings/settings.js';
import { Admission, FULL, TOO_MANY } from './admission.js';
import { ClientAddress, rateLimitKey } from './client-address.js';
import { headerRejection } from './header-limits.js';
import { HandshakeMetrics } from './handshake-metrics.js';
import { Counters } from '../../telemetry/counters.js';
import { AddressRateLimiter } from '../../limits/address-rate-limiter.js';
import { MinimumRate } from '../../limits/minimum-rate.js';

/** Unanswered requests of one connection. A client repeats those that a closed connection leaves (RFC 9112, 9.3.2). */
const MAX_PIPELINED_REQUESTS = 16;
/** Requests of one connection; then the client opens a new one. */
const MAX_REQUESTS_PER_CONNECTION = 1000;
/** Connections that a full node still serves: its sessions must keep no health check, metrics or rejection out. */
const RESERVED_CONNECTIONS = 16;

const TOO_OFTEN: HandshakeRejection = {
  code: 'too_many_connections',
  message: 'Too many requests from this address.',
  headers: { 'Retry-After': 1 },
};

/**
 * Bounds the connections and the requests of the HTTP server before anything is read or answered. A connection that opens
 * a session leaves this class, because `Admission` counts sessions.
 *
 *   TCP connection ──▶ limit of the address ──▶ requests: number, rate, headers, time ──▶ HTTP, or an upgrade in its turn
 */
@Injectable()
export class ConnectionLimits {
  readonly #open = new OpenConnections();
  readonly #rate: AddressRateLimiter;
  readonly #perAddress: number;
  readonly #responseTimeoutMs: number;
  readonly #bodyTimeoutMs: number;
  readonly #maxHeaderBytes: number;
  readonly #responseRate: MinimumRate;
  readonly #bodyRate: MinimumRate;
  readonly #onClose: (this: Socket) => void;
  #onBodyTimeout: (socket: Socket) => void = () => undefined;
  #isTls = false;
  #isStopping = false;

  constructor(
    private readonly addresses: ClientAddress,
    private readonly admission: Admission,
    private readonly metrics: HandshakeMetrics,
    private readonly counters: Counters,
    settings: Settings,
  ) {
    this.#perAddress = settings.maxConnectionsPerAddress;
    this.#responseTimeoutMs = settings.responseTimeoutMs;
    this.#bodyTimeoutMs = settings.handshakeTimeoutMs;
    this.#maxHeaderBytes = settings.maxHeaderBytes;
    this.#responseRate = new MinimumRate(settings.minBytesPerSecond, this.#responseTimeoutMs);
    this.#bodyRate = new MinimumRate(settings.minBytesPerSecond, this.#bodyTimeoutMs);
    this.#rate = new AddressRateLimiter(settings.requestsPerSecond);
    const open = this.#open;
    this.#onClose = function () {
      const connection = open.find(this);
      if (connection === undefined) return;
      open.remove(connection);
      // Node emits no `close` on a response that waits behind another one.
      for (const request of connection.running) counters.requestsRunning.delete(request);
    };
  }

  /**
   * Puts the limits in front of the listeners of a server.
   *
   * @throws {Error} for a server that has not exactly one listener for each event, because more would run without limits
   */
  guard(server: Server): void {
    this.#isTls = server instanceof TlsServer;
    // As Node reports a request that is too late; the listener answers with 408.
    const late = Object.assign(new Error('the body made too little progress'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    this.#onBodyTimeout = (socket) => void server.emit('clientError', late, socket);
    intercept(server, 'connection', (accept, socket: Socket) => this.#onConnection(socket, accept));
    intercept(server, 'request', (handle, request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response, handle),
    );
    // Ignores `Expect: x` (RFC 9110, 10.1.1). Node would answer 417 by itself, past all limits.
    server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
    for (const event of ['upgrade', 'connect'])
      intercept(server, event, (handle, request: IncomingMessage) => this.#onUpgrade(request, handle));
    intercept(server, 'clientError', (handle, _: Error, socket: Duplex) => this.#onClientError(socket, handle));
  }

  /** Forgets a connection that carries a session from now on. */
  release(socket: Duplex): void {
    const connection = this.#open.find(socket);
    if (connection === undefined) return;
    connection.socket.off('close', this.#onClose);
    this.#open.remove(connection);
  }

  /** Leaves connections so long for a last request, then ends them all, because a closing server waits for them. */
  stop(graceMs: number): void {
    this.#isStopping = true;
    const timer = setTimeout(() => {
      for (const { socket } of this.#open.all()) socket.destroy();
    }, graceMs);
    timer.unref(); // open connections keep the process alive, and nothing else should
  }

  #onConnection(socket: Socket, accept: () => void): void {
    const address = this.addresses.limitedPeer(socket);
    if (address !== undefined && !this.#makeRoom(address)) return this.#end(socket, TOO_MANY);
    if (!this.#makeRoomOnNode()) return this.#end(socket, FULL);
    if (this.#isTls) this.#open.addTls(socket, address);
    else this.#open.add(socket, address);
    socket.on('close', this.#onClose);
    accept();
  }

  /**
   * Ends the longest idle connection of an address at its limit; returns `false` where none is idle. Sessions take none of
   * these places, because a connection may come with a token and then counts to its user.
   */
  #makeRoom(address: string): boolean {
    const isAtLimit = this.#perAddress > 0 && this.#open.countOf(address) >= this.#perAddress;
    return !isAtLimit || this.#giveWay(this.#open.longestIdle(address), TOO_MANY);
  }

  /** Ends the longest idle connection of a full node; returns `false` where none is idle and too many are busy. */
  #makeRoomOnNode(): boolean {
    const count = this.#open.size;
    if (!this.admission.isFull(count) || this.#giveWay(this.#open.longestIdle(), FULL)) return true;
    return count < RESERVED_CONNECTIONS;
  }

  #giveWay(connection: HttpConnection | undefined, rejection: HandshakeRejection): boolean {
    if (connection === undefined) return false;
    connection.isEnding = true;
    this.#open.remove(connection);
    // A client between two requests would take a response for the answer to its next request.
    if (connection.requests > 0) connection.socket.destroy();
    else this.#end(connection.socket, rejection);
    return true;
  }

  /** Ends a connection of which no request was read; only plain HTTP can carry an answer then. */
  #end(socket: Socket, rejection: HandshakeRejection): void {
    this.metrics.rejectedUnparsed(socket, rejection.code);
    if (this.#isTls) socket.destroy();
    else rejectUpgrade(socket, rejection);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
    const { socket } = request;
    const connection = this.#open.find(socket);
    if (connection === undefined || connection.isEnding) return; // the connection is gone, or about to go
    this.#expectResponse(connection, request, response);
    const rejection = this.#rejection(connection, request);
    // The client of an ignored upgrade may write more in one go, which the parser does not read.
    const stopsParser = request instanceof HttpRequest && request.wantsOtherProtocol;
    if (rejection !== undefined || stopsParser || connection.requests >= MAX_REQUESTS_PER_CONNECTION) {
      connection.isEnding = true;
      response.shouldKeepAlive = false;
      readNoMoreRequests(socket);
    }
    if (rejection === undefined) return handle();
    this.metrics.rejected(request, rejection.code);
    rejectRequest(response, rejection);
  }

  #rejection({ unanswered }: HttpConnection, request: IncomingMessage): HandshakeRejection | undefined {
    const key = rateLimitKey(this.addresses.resolve(request));
    const tooOften = unanswered > MAX_PIPELINED_REQUESTS || this.#rate.take(key, performance.now()) > 0;
    return headerRejection(request, this.#maxHeaderBytes) ?? (tooOften ? TOO_OFTEN : undefined);
  }

  #onUpgrade(request: IncomingMessage, handle: () => void): void {
    const { socket } = request;
    if (!socket.writable) return void socket.destroy(); // ended behind a body that was not read
    const rejection = headerRejection(request, this.#maxHeaderBytes);
    if (rejection === undefined) return this.#inTurn(socket, handle);
    this.metrics.rejected(request, rejection.code);
    this.#inTurn(socket, () => rejectUpgrade(socket, rejection));
  }

  #expectResponse(connection: HttpConnection, request: IncomingMessage, response: ServerResponse): void {
    connection.requests++;
    this.counters.requestsRunning.add(request);
    connection.running.push(request);
    connection.latest = request;
    const { socket } = request; // the request may have none by then
    if (connection.unanswered === 1 && this.#responseTimeoutMs > 0) {
      const responses = responsesOf(socket, () => connection.socket.destroy());
      connection.responses = new TransferWatch(this.#responseRate, this.#responseTimeoutMs, responses);
    }
    if (this.#bodyTimeoutMs > 0 && hasBody(request)) {
      connection.body?.stop();
      const body = bodyTransfer(request, socket, () => this.#onBodyTimeout(socket));
      connection.body = new TransferWatch(this.#bodyRate, this.#bodyTimeoutMs, body);
    }
    response.once('close', () => this.#onResponseEnd(connection, request, socket));
  }

  #onResponseEnd(connection: HttpConnection, request: IncomingMessage, socket: Socket): void {
    this.counters.requestsRunning.delete(request);
    connection.running.splice(connection.running.indexOf(request), 1);
    if (request === connection.latest) connection.body?.stop();
    if (!request.complete) {
      connection.isEnding = true;
      endUnread(socket);
    }
    if (connection.unanswered > connection.unfinished) return connection.responses?.restart();
    connection.responses?.stop();
    connection.latest = undefined;
    this.#open.touch(connection);
    if (connection.next !== undefined) connection.next();
    else if (this.#isStopping) socket.destroySoon();
  }

  /** Answers what the parser refused. A request whose body it refused would otherwise wait for that body. */
  #onClientError(socket: Duplex, handle: () => void): void {
    const connection = this.#open.find(socket);
    if (connection?.latest?.complete === false) connection.unfinished = 1;
    this.#inTurn(socket, handle);
  }

  /** Runs what ends the HTTP of a socket once the requests before are answered, so that nothing overtakes an answer. */
  #inTurn(socket: Duplex, handle: () => void): void {
    const connection = this.#open.find(socket);
    if (connection === undefined || connection.unanswered <= connection.unfinished) return handle();
    // The listener stays, because Node has removed its own and an error of the last write may still be pending.
    socket.on('error', () => socket.destroy());
    if (connection.isEnding) return;
    connection.isEnding = true;
    connection.next = () => {
      if (socket.writable) handle();
      else socket.destroy();
    };
  }
}
