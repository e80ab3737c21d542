import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

export interface UpgradeClaim {
  /** Returns whether an upgrade request is for the claimant. */
  readonly claims: (request: IncomingMessage) => boolean;
  readonly handle: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

type RequestClass = new (socket: never) => IncomingMessage;

const ASKED = Symbol('whether the request has an Upgrade header');

/** Makes Node emit `upgrade`, which it does only for a server that has a listener. */
const LISTENER = (): void => undefined;

/**
 * Takes some upgrade requests out of a server that the application owns. Its own listeners for `upgrade`, of whatever
 * time, get all others and none of these, because a listener such as Nest's destroys the socket of a path that it does not
 * know. Where the application has no listener, all other upgrade requests stay plain ones, as they were.
 *
 * @returns gives the requests back
 * @throws {Error} for a version of Node that makes requests in another way
 */
export function claimUpgrades(server: Server, { claims, handle }: UpgradeClaim): () => void {
  const hasOthers = (): boolean => server.listeners('upgrade').some((each) => each !== LISTENER);
  const restoreClass = decideUpgrades(
    server,
    (request) => request.method === 'CONNECT' || (claims(request) && !owesResponse(request)) || hasOthers(),
  );
  const previous = Object.getOwnPropertyDescriptor(server, 'emit');
  const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
  const emitOthers = (event: string | symbol, ...args: unknown[]): boolean => {
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    if (event !== 'upgrade' || !claims(request)) return emit(event, ...args);
    // Fastify passes the upgrades of a second server for `localhost`, whose requests are of another class.
    if (owesResponse(request)) socket.destroy();
    else handle(request, socket, head);
    return true;
  };
  server.emit = emitOthers;
  server.on('upgrade', LISTENER);
  return () => {
    server.off('upgrade', LISTENER);
    if (server.emit !== emitOthers) return; // another library has wrapped it
    restoreClass();
    if (previous === undefined) Reflect.deleteProperty(server, 'emit');
    else Object.defineProperty(server, 'emit', previous);
  };
}

/**
 * Lets `decide` say which requests with an `Upgrade` header end the HTTP of their connection. Node reads `upgrade` of the
 * request after the headers, and parses on where the value is `false`.
 *
 * @returns takes the decision back
 */
function decideUpgrades(server: Server, decide: (request: IncomingMessage) => boolean): () => void {
  const key = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'IncomingMessage');
  if (key === undefined)
    throw new Error('unsupported version of Node: its HTTP server has no class of requests; use Node 20, 22 or 24');
  const classes = server as unknown as Record<symbol, RequestClass>;
  const Request = classes[key]!;
  classes[key] = class extends Request {
    /** Written by Node's parser before the headers. */
    set upgrade(asked: boolean | null) {
      Object.assign(this, { [ASKED]: asked === true });
    }

    get upgrade(): boolean {
      return (this as { [ASKED]?: boolean })[ASKED] === true && decide(this);
    }
  };
  return () => {
    classes[key] = Request;
  };
}

/**
 * Returns whether an earlier request of the same connection has no whole response. The answer to an upgrade would overtake
 * it, so that such an upgrade stays a plain request. A client that waits for its responses never sends one.
 */
function owesResponse({ socket }: IncomingMessage): boolean {
  const { _httpMessage: response } = socket as { _httpMessage?: unknown };
  return response !== undefined && response !== null;
}
