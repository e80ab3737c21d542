import { mkdtempSync, rmSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from './client.js';

/** A folder for Unix sockets that only this user may enter. */
export function socketFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'switchboard-sockets-'));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** Opens a session by a Unix socket, as a proxy does. */
export function connectUnix(socket: string, headers: Record<string, string> = {}): Promise<Client> {
  return connect('ws://localhost/wss', { headers, createConnection: () => dial(socket) });
}
