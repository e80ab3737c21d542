import type { DynamicModule, INestApplication, LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { SwitchboardAdapter } from '../../src/index.js';
import { connect, type Client } from './client.js';

export const PLATFORMS = ['express', 'fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** An application of Nest that has Switchboard as a library. */
export interface HostApp {
  readonly app: INestApplication;
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Lines of the application's logger: level, context and message. */
  readonly lines: readonly string[];
  /** Opens a session at `/wss`. */
  connect(): Promise<Client>;
  stop(): Promise<void>;
}

/** Keeps the lines of Nest's logger. */
class KeptLines implements LoggerService {
  readonly lines: string[] = [];

  log(...line: unknown[]): void {
    this.lines.push(textOf('log', line));
  }

  warn(...line: unknown[]): void {
    this.lines.push(textOf('warn', line));
  }

  error(...line: unknown[]): void {
    this.lines.push(textOf('error', line));
  }

  debug(...line: unknown[]): void {
    this.lines.push(textOf('debug', line));
  }
}

/** Creates an application that does not listen yet. */
export async function createHost(
  platform: Platform,
  module: Type | DynamicModule,
): Promise<{ readonly app: INestApplication; readonly lines: readonly string[] }> {
  const logger = new KeptLines();
  const options = { logger, abortOnError: false };
  const app =
    platform === 'express'
      ? await NestFactory.create(module, options)
      : await NestFactory.create(module, new FastifyAdapter(), options);
  return { app, lines: logger.lines };
}

/**
 * Starts an application on a free port.
 *
 * @param prepare runs before the application listens; by default it adds the adapter, as documented
 */
export async function startHost(
  platform: Platform,
  module: Type | DynamicModule,
  prepare: (app: INestApplication) => void = (app) => void app.useWebSocketAdapter(new SwitchboardAdapter(app)),
): Promise<HostApp> {
  const { app, lines } = await createHost(platform, module);
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return {
    app,
    port,
    origin: `http://127.0.0.1:${port}`,
    lines,
    connect: () => connect(`ws://127.0.0.1:${port}/wss`),
    stop: () => app.close(),
  };
}

/** Opens a plain WebSocket, sends one text and returns the answer. */
export async function exchangeText(url: string, text: string): Promise<string> {
  const socket = new WebSocket(url);
  const answer = once(socket, 'message') as Promise<[Buffer]>;
  await once(socket, 'open');
  socket.send(text);
  const [data] = await answer;
  socket.close();
  await once(socket, 'close');
  return data.toString();
}

function textOf(level: string, [message, ...parameters]: unknown[]): string {
  return `${level} [${String(parameters.at(-1))}] ${String(message)}`;
}
