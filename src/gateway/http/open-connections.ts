import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TransferWatch } from './transfer-watch.js';

const CONNECTION = Symbol('the connection of a socket');
type KnownSocket = Socket & { [CONNECTION]?: HttpConnection | undefined };

/** A TCP connection of the HTTP server that carries no session. */
export class HttpConnection {
  /** Requests so far. */
  requests = 0;
  /** Requests whose response is not complete; a list, because there are few and most connections have none. */
  readonly running: IncomingMessage[] = [];
  /** The latest request, whose body may still arrive. */
  latest: IncomingMessage | undefined;
  /** Requests whose bodies can no longer arrive, because the parser failed: they get no response of their own. */
  unfinished = 0;
  /** Whether no more requests are read. */
  isEnding = false;
  /** Runs once the responses to all finished requests are complete. */
  next: (() => void) | undefined;
  /** Destroys a connection that does not read its responses. */
  responses: TransferWatch | undefined;
  /** Answers a request whose body does not arrive. */
  body: TransferWatch | undefined;

  /**
   * @param address key of the address limit; `undefined` for trusted proxies, which have no limit
   * @param endpoint of a TCP socket that will carry TLS; `undefined` for plain HTTP
   */
  constructor(
    readonly socket: Socket,
    readonly address: string | undefined,
    readonly endpoint: string | undefined,
  ) {}

  /** Responses that are not complete. */
  get unanswered(): number {
    return this.running.length;
  }
}

/** The connections that carry no session, in all and by address: the one that has been idle longest first. */
export class OpenConnections {
  readonly #all = new Set<HttpConnection>();
  readonly #byAddress = new Map<string, Set<HttpConnection>>();
  /** Connections that carry TLS: Node's events name the TLS socket, which knows its TCP socket in no public way. */
  readonly #byEndpoint = new Map<string, HttpConnection>();

  get size(): number {
    return this.#all.size;
  }

  /** Adds the connection of a socket for plain HTTP. */
  add(socket: Socket, address: string | undefined): void {
    this.#append(new HttpConnection(socket, address, undefined));
  }

  /** Adds the connection of a socket that will carry TLS. */
  addTls(socket: Socket, address: string | undefined): void {
    const endpoint = endpointOf(socket);
    const connection = new HttpConnection(socket, address, endpoint);
    this.#byEndpoint.set(endpoint, connection);
    this.#append(connection);
  }

  remove(connection: HttpConnection): void {
    connection.responses?.stop();
    connection.body?.stop();
    (connection.socket as KnownSocket)[CONNECTION] = undefined; // a session keeps nothing of it
    this.#take(connection);
    const { endpoint } = connection;
    if (endpoint !== undefined && this.#byEndpoint.get(endpoint) === connection) this.#byEndpoint.delete(endpoint);
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
    if (known[CONNECTION] !== undefined || this.#byEndpoint.size === 0) return known[CONNECTION];
    return this.#byEndpoint.get(endpointOf(known));
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
    const { address, socket } = connection;
    (socket as KnownSocket)[CONNECTION] = connection;
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
