import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import { config } from 'rxjs';
import { AppModule } from './app.module.js';
import { ConnectionLimits } from './gateway/handshake/connection-limits.js';
import { rejectPlainHttp } from './gateway/handshake/plain-http.js';
import { HandshakeMetrics } from './gateway/handshake/handshake-metrics.js';
import { Handshake } from './gateway/handshake/handshake.js';
import { checkFiles } from './startup-checks.js';
import { OriginPolicy } from './gateway/handshake/origin-policy.js';
import { HttpAdapter } from './gateway/http.adapter.js';
import { HttpErrorFilter } from './gateway/handshake/http-error.filter.js';
import { SwitchboardAdapter } from './gateway/switchboard.adapter.js';
import { NodeState } from './node/node-state.js';
import { serveOpenApi } from './ops/api/openapi.js';
import { readSettings, type Variables } from './settings/environment.js';
import { redactedSettings } from './settings/setting.js';
import { Settings } from './settings/settings.js';
import { Log } from './telemetry/log.js';

export interface AppOptions {
  /** Variables that override the environment. */
  readonly variables?: Variables;
  /** Modules with gateways, instead of those in `handlers/`. */
  readonly handlers?: DynamicModule['imports'];
}

/**
 * Creates the server without listening.
 *
 * @throws {SettingsError} when a setting is invalid or a file that it names cannot be used
 * @throws {StartError} when a handler claims a type that is invalid, reserved or claimed already
 */
export async function createApp({ variables, handlers }: AppOptions = {}): Promise<INestApplication> {
  const settings = readSettings(variables);
  checkFiles(settings);
  const log = new Log(settings);
  // rxjs rethrows an unhandled error in a timer, which would end the process.
  config.onUnhandledError = (error: unknown): void => log.error(error);
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot(settings, log, handlers),
    new HttpAdapter(settings),
    {
      logger: log,
      bodyParser: false,
      abortOnError: false,
    },
  );
  app.disable('x-powered-by');
  rejectPlainHttp(app, app.getHttpServer(), app.get(Handshake), app.get(OriginPolicy), app.get(HandshakeMetrics));
  app.useGlobalFilters(new HttpErrorFilter(log));
  if (settings.apiKeys !== undefined) serveOpenApi(app);
  app.useWebSocketAdapter(new SwitchboardAdapter(app));
  app.get(ConnectionLimits).guard(app.getHttpServer());
  return app;
}

/** Listens on `HOST` and `PORT` and logs the URL; returns the port. */
export async function startApp(app: INestApplication): Promise<number> {
  const { host, port, wsPath, tlsCertFile } = app.get(Settings);
  app.get(Log).info('starting', { node: process.version, ...redactedSettings(app.get(Settings)) });
  await app.listen(port, host);
  const address = (app.getHttpServer() as Server).address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  app.get(NodeState).ready();
  const shownHost = host.includes(':') ? `[${host}]` : host;
  app.get(Log).info('listening', {
    url: `${tlsCertFile === undefined ? 'ws' : 'wss'}://${shownHost}:${actual}${wsPath}`,
    pid: process.pid,
  });
  return actual;
}
