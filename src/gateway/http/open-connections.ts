import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const CONNECTION = Symbol('the connection of a socket');
type KnownSocket = Socket & { [CONNECTION]?: HttpConnection | undefined };

/** A TCP connection of the HTTP server that carries no session. */
export class HttpConnection {
  /** Requests so far. */
  requests = 0;
  /** Responses that are not complete. */
  unanswered = 0;
  /** The latest request, whose body may still arrive. */
  latest: IncomingMessage | undefined;
  /** Requests whose bodies can no longer arrive, because the parser failed: they get no response of their own. */
  unfinished = 0;
  /** Whether no more requests are read. */
  isEnding = false;
  /** Runs once the responses to all finished requests are complete. */
  next: (() => void) | undefined;
  /** Destroys a connection that does not take its responses. */
  timer: NodeJS.Timeout | undefined;

  /** @param address key of the address limit; `undefined` for trusted proxies, which have no limit */
  constructor(
    readonly socket: Socket,
    readonly address: string | undefined,
    readonly endpoint: string,
  ) {}
}

/** The connections that carry no session, in all and by address: the one that has been idle longest first. */
export class OpenConnections {
  readonly #all = new Set<HttpConnection>();
  readonly #byAddress = new Map<string, Set<HttpConnection>>();
  readonly #byEndpoint = new Map<string, HttpConnection>();

  get size(): number {
    return this.#all.size;
  }

  add(socket: Socket, address: string | undefined): HttpConnection {
    const connection = new HttpConnection(socket, address, endpointOf(socket));
    (socket as KnownSocket)[CONNECTION] = connection;
    this.#byEndpoint.set(connection.endpoint, connection);
    this.#append(connection);
    return connection;
  }

  remove(connection: HttpConnection): void {
    clearTimeout(connection.timer);
    (connection.socket as KnownSocket)[CONNECTION] = undefined; // a session keeps nothing of it
    this.#take(connection);
    if (this.#byEndpoint.get(connection.endpoint) === connection) this.#byEndpoint.delete(connection.endpoint);
  }

  /** Makes a connection the last one to give way. */
  touch(connection: HttpConnection): void {
    if (!this.#all.has(connection)) return;
    this.#take(connection);
    this.#append(connection);
  }

  /** Finds the connection of a TCP socket, or of the TLS socket on it: both have the same peer. */
  find(socket: Duplex): HttpConnection | undefined {
    const known = socket as KnownSocket;
    return known[CONNECTION] ?? this.#byEndpoint.get(endpointOf(known));
  }

  countOf(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  /** Returns the connection that has waited longest for a request, of one address or of all. */
  longestIdle(address?: string): HttpConnection | undefined {
    const connections = address === undefined ? this.#all : (this.#byAddress.get(address) ?? []);
    for (const connection of connections) if (connection.unanswered === 0) return connection;
    return undefined;
  }

  all(): Iterable<HttpConnection> {
    return [...this.#all];
  }

  #append(connection: HttpConnection): void {
    const { address } = connection;
    this.#all.add(connection);
    if (address === undefined) return;
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress === undefined) this.#byAddress.set(address, new Set([connection]));
    else ofAddress.add(connection);
  }

  #take(connection: HttpConnection): void {
    const { address } = connection;
    this.#all.delete(connection);
    if (address === undefined) return;
    const ofAddress = this.#byAddress.get(address);
    ofAddress?.delete(connection);
    if (ofAddress?.size === 0) this.#byAddress.delete(address);
  }
}

/** The addresses and ports of both ends, which no other open connection has. */
function endpointOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress}|${remotePort}|${localAddress}|${localPort}`;
}
