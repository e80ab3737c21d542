import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Settings } from '../settings/settings.js';

/** Addresses that stand for every interface, which a browser cannot open. */
const EVERY_INTERFACE = new Set(['0.0.0.0', '::']);

/** Where clients and people reach a process. */
export interface ServerAddress {
  /** The WebSocket endpoint. */
  readonly url: string;
  /** The console; `undefined` with `CONSOLE=off`, and in production, where a proxy has an address of its own. */
  readonly console: string | undefined;
}

/** Returns the addresses of a process that listens. @param port the actual one, where `PORT` is 0 */
export function serverAddress(settings: Settings, port: number): ServerAddress {
  const { host, wsPath, httpBase, tlsCertFile } = settings;
  const secure = tlsCertFile === undefined ? '' : 's';
  const browserHost = EVERY_INTERFACE.has(host) ? 'localhost' : inUrl(host);
  const hasConsole = settings.console && !settings.production;
  return {
    url: `ws${secure}://${inUrl(host)}:${port}${wsPath}`,
    console: hasConsole ? `http${secure}://${browserHost}:${port}${(httpBase ?? '').replace(/\/?$/, '/')}` : undefined,
  };
}

/** Reports that a process cannot listen, in one line with the remedy. */
export class ListenError extends Error {}

/**
 * Listens for a moment, because Nest logs the error of its own attempt without a remedy.
 *
 * @throws {ListenError} where `HOST` and `PORT` cannot be listened on
 */
export async function assertPortIsFree(settings: Settings): Promise<void> {
  const { host, port } = settings;
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(listenProblem(error as NodeJS.ErrnoException, settings), { cause: error });
  }
  server.close();
  await once(server, 'close');
}

function listenProblem({ code, message }: NodeJS.ErrnoException, { host, port }: Settings): string {
  const address = `${inUrl(host)}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${address} is in use by another process: stop that process, or set PORT to another port`;
    case 'EACCES':
      return `no permission to listen on ${address}: set PORT to a port above 1023`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine: correct HOST`;
    default:
      return `cannot listen on ${address}: ${message}`;
  }
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
