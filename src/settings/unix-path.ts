import { dirname } from 'node:path';

/** The beginning of `LISTEN`. */
export const UNIX_SCHEME = 'unix:';
/** Sockets that nodes of one folder may have: `0.sock` to `15.sock`. */
export const UNIX_SLOTS = 16;
/** The longest path of a Unix socket on Linux: 108 bytes with the zero at the end (unix(7)). */
const MAX_PATH_BYTES = 107;
/** A node listens first under a hidden name of this length in the same folder. */
const OWN_NAME_BYTES = 6;

/** Returns the paths that `LISTEN` names, in the order in which they are tried. */
export function unixPaths(listen: string): string[] {
  const path = listen.slice(UNIX_SCHEME.length);
  if (!path.endsWith('/*.sock')) return [path];
  return Array.from({ length: UNIX_SLOTS }, (_, slot) => path.replace('*', String(slot)));
}

/** Returns what is wrong with a value of `LISTEN`. */
export function unixPathProblem(listen: string | undefined): string | undefined {
  if (listen === undefined) return undefined;
  if (!/^unix:(\/[A-Za-z0-9._-]+)*\/([A-Za-z0-9._-]+|\*\.sock)$/.test(listen))
    return 'must be unix: and an absolute path such as unix:/run/switchboard/0.sock, or unix:/run/switchboard/*.sock';
  const paths = unixPaths(listen);
  const folderBytes = Buffer.byteLength(dirname(paths[0]!));
  const longest = Math.max(folderBytes + 1 + OWN_NAME_BYTES, ...paths.map((path) => Buffer.byteLength(path)));
  return longest > MAX_PATH_BYTES
    ? `must be a path of at most ${MAX_PATH_BYTES} bytes; one of its sockets has ${longest}`
    : undefined;
}
