import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket, type ConnectionOptions } from 'node:tls';
import { UNIX_SCHEME } from '../../settings/unix-path.js';

/** Milliseconds in which an address must accept a connection and answer the request. */
const DIAL_TIMEOUT_MS = 2000;
/** The longest response that is read before the connection is piped. */
const MAX_RESPONSE_BYTES = 16_384;
const MAX_STATUS_CHARACTERS = 80;
const END_OF_HEADERS = '\r\n\r\n';
const ACCEPTED = 'HTTP/1.1 101 ';
const NOT_NOW = 'HTTP/1.1 503 ';

/** The certificates of a node at its TCP port, and the certificate that a client of the node shows. */
export interface PipeTls extends Pick<ConnectionOptions, 'cert' | 'key'> {
  /** Where empty, the certificate is verified as that of any server. */
  readonly fingerprints: readonly string[];
}

/** A connection to another node, which has answered the request of a client with 101. */
export interface Dialed {
  readonly socket: Socket;
  /** All bytes that the node has sent: the response, and what arrived behind it. */
  readonly response: Buffer;
}

/** Reports that a node has been reached and accepts no connection now, such as where the session of the pass has ended. */
export class NodeUnavailable extends Error {}

/**
 * Connects to a node and sends the request of a client.
 *
 * @param tls for a TCP port with TLS; `undefined` for plain HTTP
 * @throws {NodeUnavailable} where the node answers 503
 * @throws {Error} where the node does not answer with 101 in time
 */
export async function dialPipe(address: string, tls: PipeTls | undefined, request: Buffer): Promise<Dialed> {
  const socket = open(address, tls);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    socket.destroy();
  }, DIAL_TIMEOUT_MS);
  try {
    await connected(socket, tls);
    socket.write(request);
    return { socket, response: await responseOf(socket) };
  } catch (error) {
    socket.destroy();
    throw timedOut ? new Error(`no answer in ${DIAL_TIMEOUT_MS} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Opens a connection. Keeps a listener for errors on it, because one may follow any time. */
function open(address: string, tls: PipeTls | undefined): Socket {
  const target = targetOf(address);
  const socket =
    'path' in target || tls === undefined ? connect({ ...target, allowHalfOpen: true }) : secure(target, tls);
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  return socket;
}

function targetOf(address: string): { readonly path: string } | { readonly host: string; readonly port: number } {
  if (address.startsWith(UNIX_SCHEME)) return { path: address.slice(UNIX_SCHEME.length) };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}

/** Opens a connection with TLS. The fingerprint stands for the name and the issuer of a certificate that is known. */
function secure(
  target: { readonly host: string; readonly port: number },
  { fingerprints, cert, key }: PipeTls,
): Socket {
  const servername = isIP(target.host) === 0 ? { servername: target.host } : {};
  const rejectUnauthorized = fingerprints.length === 0;
  // In a variable, because the type declarations lack `allowHalfOpen`.
  const options = { ...target, ...servername, cert, key, rejectUnauthorized, allowHalfOpen: true };
  return connectTls(options);
}

/** Resolves when a connection is open, and the certificate of the node has been checked. */
async function connected(socket: Socket, tls: PipeTls | undefined): Promise<void> {
  if (!(socket instanceof TLSSocket)) return settled(socket, (resolve) => socket.once('connect', resolve));
  await settled<void>(socket, (resolve) => socket.once('secureConnect', resolve));
  const { fingerprints = [] } = tls ?? {};
  const served = socket.getPeerX509Certificate()?.fingerprint256 ?? 'no certificate';
  if (fingerprints.length > 0 && !fingerprints.includes(served)) throw new Error('the certificate is another one');
}

/** Reads until the headers of the response are complete. */
async function responseOf(socket: Socket): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  let take: ((chunk: Buffer) => void) | undefined;
  try {
    await settled<void>(socket, (resolve) => {
      take = (chunk) => {
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
        if (bytes.length > MAX_RESPONSE_BYTES || bytes.includes(END_OF_HEADERS)) resolve();
      };
      socket.on('data', take);
    });
  } finally {
    socket.pause();
    if (take !== undefined) socket.off('data', take);
  }
  if (!bytes.includes(END_OF_HEADERS)) throw new Error('the headers of the response are too long');
  const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'));
  if (status.startsWith(NOT_NOW)) throw new NodeUnavailable('the node of the session answered 503');
  if (!status.startsWith(ACCEPTED)) throw new Error(`answered ${status.slice(0, MAX_STATUS_CHARACTERS)}`);
  return bytes;
}

/** Resolves as an executor does. Rejects with the error of a socket, or when the socket ends before. */
async function settled<T>(socket: Socket, executor: (resolve: (value: T) => void) => void): Promise<T> {
  let fail: (error?: unknown) => void = () => undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      fail = (error) => reject(error instanceof Error ? error : new Error('the connection was closed'));
      socket.once('error', fail);
      socket.once('end', fail);
      socket.once('close', fail);
      executor(resolve);
    });
  } finally {
    socket.off('error', fail);
    socket.off('end', fail);
    socket.off('close', fail);
  }
}
