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
import { serveEndpoints } from './endpoints.js';
import { checkFiles } from './startup-checks.js';
import { OriginPolicy } from './gateway/handshake/origin-policy.js';
import { HttpAdapter } from './gateway/http.adapter.js';
import { GatewayInstances } from './gateway/nest/gateway-instances.js';
import { SwitchboardAdapter } from './gateway/switchboard.adapter.js';
import { NodeState } from './node/node-state.js';
import { readSettings, type Variables } from './settings/environment.js';
import { redactedSettings } from './settings/setting.js';
import { Settings } from './settings/settings.js';
import { Log } from './telemetry/log.js';

export interface AppOptions {
  /** Variables that override the environment. */
  readonly variables?: Variables;
  /** Modules with gateways, instead of those in `handlers/`. */
  readonly handlers?: DynamicModule['imports'];
  /** Whether `request.rawBody` of your controllers holds the bytes of a body, as the option of the same name in Nest. */
  readonly rawBody?: boolean;
  /**
   * Whether global guards and interceptors run for messages, too, as the option of the same name of
   * `connectMicroservice()` in Nest. They do not by default, because most are written for requests.
   */
  readonly inheritAppConfig?: boolean;
}

/**
 * Creates the server without listening.
 *
 * @throws {SettingsError} when a setting is invalid or a file that it names cannot be used
 * @throws {StartError} when a handler claims a type that is invalid, reserved or claimed already
 */
export async function createApp({
  variables,
  handlers,
  rawBody = false,
  inheritAppConfig = false,
}: AppOptions = {}): Promise<NestExpressApplication> {
  const settings = readSettings(variables);
  checkFiles(settings);
  const log = new Log(settings);
  // rxjs rethrows an unhandled error in a timer, which would end the process.
  config.onUnhandledError = (error: unknown): void => log.error(error);
  const app = await NestFactory.create<NestExpressApplication>(
    await AppModule.forRoot(settings, log, handlers),
    new HttpAdapter(settings),
    {
      logger: log,
      rawBody,
      abortOnError: false,
    },
  );
  app.disable('x-powered-by');
  await serveEndpoints(app);
  rejectPlainHttp(app.getHttpServer(), app.get(Handshake), app.get(OriginPolicy), app.get(HandshakeMetrics));
  await app.get(GatewayInstances).createTransient();
  app.useWebSocketAdapter(new SwitchboardAdapter(app, { inheritAppConfig }));
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
