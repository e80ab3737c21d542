import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, chmod, constants, link, lstat, rename, rm, stat } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { markUnixPeer } from '../gateway/handshake/unix-peer.js';
import { UNIX_SCHEME, UNIX_SLOTS, unixPaths } from '../settings/unix-path.js';
import { ListenError } from './server-address.js';

/** Any user may connect who may enter the folder. So the folder decides who can be the proxy. */
const SOCKET_MODE = 0o666;
/** The bit of a folder's mode that lets every user of the machine enter. */
const ENTERED_BY_ALL = 0o001;
/** The end of the name under which a socket waits to replace a dead one. */
const REPLACEMENT = '~';
/** Longer than a process takes from finding a dead socket to replacing it. */
const REPLACED_MS = 500;
/** Connections that wait for `accept`; the system lowers it to net.core.somaxconn. A full queue refuses at once. */
const BACKLOG = 65_535;

/**
 * A Unix socket beside the TCP port. Hands its connections to the HTTP server.
 *
 * Listens under a name of its own, and then links the socket to its path. A dead socket there is replaced in one step:
 *
 *   .RANDOM ──link──▶ 0.sock                                      where there is no file
 *   .RANDOM ──link──▶ .RANDOM~ ──rename──▶ 0.sock ──still mine?    where nobody listens any more
 *
 * The file stays when the process ends. nginx gets ECONNREFUSED from it, which nginx logs less severely than a missing
 * file.
 */
export class UnixListener {
  private constructor(
    private readonly server: Server,
    /** The path of the socket. */
    readonly path: string,
  ) {}

  /**
   * Listens on the first free path of `LISTEN`.
   *
   * @param listen `unix:/FOLDER/NAME.sock`, or `unix:/FOLDER/*.sock` for the slots 0 to 15
   * @throws {ListenError} where each path is in use, or the folder takes no socket or lets every user enter
   */
  static async open(listen: string, http: HttpServer): Promise<UnixListener> {
    const folder = dirname(listen.slice(UNIX_SCHEME.length));
    const own = join(folder, `.${randomBytes(4).toString('base64url').slice(0, 5)}`);
    // Half-open as connections of the HTTP server, so that a client may end its side before the response.
    const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
      markUnixPeer(socket);
      http.emit('connection', socket);
    });
    try {
      await access(folder, constants.W_OK | constants.X_OK); // because `listen` has one error for all faults of a folder
      await once(server.listen({ path: own, backlog: BACKLOG }), 'listening');
      if (((await stat(folder)).mode & ENTERED_BY_ALL) !== 0) throw new ListenError(enteredByAll(folder));
      await chmod(own, SOCKET_MODE);
      const path = await firstFree(own, unixPaths(listen));
      if (path === undefined) throw new ListenError(inUse(listen));
      return new UnixListener(server, path);
    } catch (error) {
      server.close();
      throw error instanceof ListenError ? error : new ListenError(problem(error, folder), { cause: error });
    } finally {
      await rm(own, { force: true });
    }
  }

  /** Accepts no more connections, and resolves when the accepted ones are closed. */
  async close(): Promise<void> {
    await once(this.server.close(), 'close');
  }
}

async function firstFree(own: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await claim(own, path)) return path;
  return undefined;
}

/**
 * Links a listening socket to a path, unless another process has the path. Two processes that find the same dead socket
 * may both replace it. The second one replaces the first one, which checks its path a moment later and finds that it has lost.
 */
async function claim(own: string, path: string): Promise<boolean> {
  if (await linked(own, path)) return true;
  if (await isInUse(path)) return false;
  const replacement = `${own}${REPLACEMENT}`;
  await link(own, replacement);
  await rename(replacement, path);
  await delay(REPLACED_MS);
  const [mine, there] = await Promise.all([lstat(own), lstat(path).catch(() => undefined)]);
  return mine.ino === there?.ino;
}

/** Links a file to a second name; returns `false` where the name exists. */
async function linked(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Returns whether a process listens on a path, or the path is a file of another kind. A dead socket never revives. */
async function isInUse(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined);
  if (file === undefined) return false;
  if (!file.isSocket()) return true;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return !['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '');
  } finally {
    socket.destroy();
  }
}

function inUse(listen: string): string {
  const path = listen.slice(UNIX_SCHEME.length);
  return path.endsWith('*.sock')
    ? `the sockets 0 to ${UNIX_SLOTS - 1} of ${dirname(path)} are in use: stop one of their processes, or set LISTEN to another folder`
    : `${path} is in use by another process, or is no socket: stop that process, or set LISTEN to another path`;
}

function enteredByAll(folder: string): string {
  return (
    `every user may enter ${folder} and connect as the proxy: let only this process and the proxy enter, ` +
    `with chmod o= ${folder} and the group of the proxy`
  );
}

function problem(error: unknown, folder: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `the folder ${folder} of LISTEN does not exist: create it, and let the user of this process write to it`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `no permission to create a socket in ${folder}: let the user of this process write to the folder of LISTEN`;
    default:
      return `cannot listen on a Unix socket in ${folder}: ${message}`;
  }
}
