import type { INestApplication, WebSocketAdapter } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { createRequire } from 'node:module';

/** An adapter of Nest, whose base class has members that the interface does not have. */
export type OtherAdapter = WebSocketAdapter & { dispose?(): Promise<void>; forceCloseConnections?: boolean };

interface SocketIoPackage {
  readonly IoAdapter: new (app: INestApplication) => OtherAdapter;
}

/** Returns the adapter that an application has; `undefined` where neither the application nor Nest has set one. */
export function adapterOf(app: INestApplication): OtherAdapter | undefined {
  return (app.get(ApplicationConfig).getIoAdapter() as OtherAdapter | null) ?? undefined;
}

/**
 * Creates the adapter that Nest would use where an application sets none: the one of Socket.IO. A `WsAdapter` where the
 * application has not installed that; Nest would end the process.
 */
export function defaultAdapter(app: INestApplication): OtherAdapter {
  const SocketIoAdapter = socketIo()?.IoAdapter ?? WsAdapter;
  return new SocketIoAdapter(app) as OtherAdapter;
}

/** Loads Socket.IO from where Nest loads it, so that no other copy is found. */
function socketIo(): SocketIoPackage | undefined {
  const require = createRequire(createRequire(import.meta.url).resolve('@nestjs/websockets'));
  try {
    return require('@nestjs/platform-socket.io') as SocketIoPackage;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
