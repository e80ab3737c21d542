import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import { config } from 'rxjs';
import { AppModule } from './app.module.js';
import { guardHttp } from './gateway/http-guard.js';
import { HandshakeRecord } from './gateway/handshake-record.js';
import { Handshake } from './gateway/handshake.js';
import { checkFiles } from './gateway/preflight.js';
import { HttpAdapter } from './gateway/http-adapter.js';
import { NotFoundFilter } from './gateway/not-found.filter.js';
import { SwitchboardAdapter } from './gateway/switchboard.adapter.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { serveOpenApi } from './ops/openapi.js';
import { readSettings, type Variables } from './settings/environment.js';
import { shownSettings } from './settings/shown-settings.js';
import { Settings } from './settings/settings.js';
import { Log } from './telemetry/log.js';

export interface AppParts {
  /** Variables that come before the environment. */
  readonly variables?: Variables;
  /** Modules in place of those in `handlers/`. */
  readonly handlers?: DynamicModule['imports'];
}

/**
 * Puts the server together without starting it.
 *
 * @throws {SettingsError} when a variable is wrong
 */
export async function createApp({ variables, handlers }: AppParts = {}): Promise<INestApplication> {
  const settings = readSettings(variables);
  checkFiles(settings);
  const log = new Log(settings);
  // A hook of a handler that throws inside rxjs must not end the process.
  config.onUnhandledError = (error: unknown): void => log.error(error);
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.with(settings, log, handlers),
    new HttpAdapter(settings),
    {
      logger: log,
      bodyParser: false,
      abortOnError: false,
    },
  );
  app.disable('x-powered-by');
  guardHttp(app, app.getHttpServer(), app.get(Handshake), app.get(HandshakeRecord));
  app.useGlobalFilters(new NotFoundFilter());
  if (settings.apiKeys !== undefined) serveOpenApi(app);
  app.useWebSocketAdapter(new SwitchboardAdapter(app));
  return app;
}

/** Starts to listen and says so; returns the port. */
export async function startApp(app: INestApplication): Promise<number> {
  const { host, port, wsPath, tlsCertFile } = app.get(Settings);
  app.get(Log).info('starting', { node: process.version, ...shownSettings(app.get(Settings)) });
  await app.listen(port, host);
  const address = (app.getHttpServer() as Server).address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  app.get(Lifecycle).ready();
  const shownHost = host.includes(':') ? `[${host}]` : host;
  app.get(Log).info('listening', {
    url: `${tlsCertFile === undefined ? 'ws' : 'wss'}://${shownHost}:${actual}${wsPath}`,
    pid: process.pid,
  });
  return actual;
}
