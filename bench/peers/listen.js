import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

/** The address of a peer: the port or the path of a Unix socket from the command line, on the loopback only. */
export const host = '127.0.0.1';
const address = process.argv[2] ?? process.env.PORT ?? '4000';
export const port = Number(address);
export const path = address.startsWith('/') ? address : undefined;

/** Prints that the peer accepts connections. */
export const ready = () => console.log(`ready on ${host}:${address}`);

/** Returns an HTTP server that listens on the port or the path of a Unix socket; with TLS if the environment has a certificate. */
export function listen() {
  const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } = process.env;
  const server = cert ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }) : createServer();
  return server.listen(path ? { path } : { host, port }, ready);
}
