import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket, type ClientOptions } from 'ws';
import { HandshakeError } from './test-errors.js';

/** The code of a rejection that is not one of the server's. */
const NO_CODE = 'no_code';

interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

/** Makes a socket that is connecting. Listeners must be added at once, because messages follow the response directly. */
export function newSocket(url: string, protocols: readonly string[], options: ClientOptions): WebSocket {
  return new WebSocket(url, [...protocols], options);
}

/**
 * Resolves when the socket is open.
 *
 * @throws {HandshakeError} where the server rejects the handshake
 * @throws {Error} where the connection ends before the response
 */
export async function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`could not connect (${code})`)));
    socket.once('unexpected-response', (_, response) => {
      void rejectionOf(response)
        .then(reject, reject)
        .finally(() => socket.terminate());
    });
  });
}

async function rejectionOf(response: IncomingMessage): Promise<HandshakeError> {
  const body = await text(response);
  const { code, message } = errorOf(body);
  return new HandshakeError(response.statusCode!, code, message);
}

/** Reads the error of a response; a proxy in front of the server may answer in another form. */
function errorOf(body: string): ErrorBody {
  try {
    return (JSON.parse(body) as { error?: ErrorBody }).error ?? { code: NO_CODE, message: body };
  } catch {
    return { code: NO_CODE, message: body };
  }
}
