import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { ResponseTurns } from './response-turns.js';

export interface UpgradeClaim {
  /** Returns whether an upgrade request is for the claimant. */
  readonly claims: (request: IncomingMessage) => boolean;
  readonly handle: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Milliseconds that a claimed request waits for the responses before it; 0 for no limit. */
  readonly maxWaitMs: number;
}

/** Makes Node emit `upgrade`, which it does only for a server that has a listener. Each claim of a server adds it. */
const LISTENER = (): void => undefined;

/**
 * Takes some upgrade requests out of a server that the application owns. Its own listeners for `upgrade`, of whatever
 * time, get all others and none of these, because a listener such as Nest's destroys the socket of a path that it does not
 * know. Where the application has no listener, Node would not have emitted `upgrade` at all, so that the request is read
 * again as a plain one.
 *
 * @returns gives the requests back
 */
export function claimUpgrades(server: Server, { claims, handle, maxWaitMs }: UpgradeClaim): () => void {
  const turns = new ResponseTurns();
  const previous = Object.getOwnPropertyDescriptor(server, 'emit');
  const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
  const emitOthers = (event: string | symbol, ...args: unknown[]): boolean => {
    // In `emit`, because every listener for requests may be moved behind another one.
    if (event === 'request') turns.note(...(args as [IncomingMessage, ServerResponse]));
    if (event !== 'upgrade') return emit(event, ...args);
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    if (claims(request)) turns.run(socket, () => handle(request, socket, head), maxWaitMs);
    else if (server.listeners('upgrade').some((listener) => listener !== LISTENER)) return emit(event, ...args);
    else turns.run(socket, () => readAgain(server, request, socket, head));
    return true;
  };
  server.emit = emitOthers;
  server.on('upgrade', LISTENER);
  return () => {
    turns.stop();
    server.off('upgrade', LISTENER);
    if (server.emit !== emitOthers) return; // another library has wrapped it
    if (previous === undefined) Reflect.deleteProperty(server, 'emit');
    else Object.defineProperty(server, 'emit', previous);
  };
}

/**
 * Reads a request again, without `upgrade` in its `Connection` header. The parser then treats the request as Node does in
 * a server without a listener: a plain request, with its body and the requests behind it.
 */
function readAgain(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = name.toLowerCase() === 'connection' ? withoutUpgrade(rawHeaders[index + 1]!) : rawHeaders[index + 1]!;
    if (value !== '' || name.toLowerCase() !== 'connection') lines.push(`${name}: ${value}`);
  }
  // Node has decoded the headers as Latin-1.
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket);
}

function withoutUpgrade(connection: string): string {
  return connection
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '' && token.toLowerCase() !== 'upgrade')
    .join(', ');
}
