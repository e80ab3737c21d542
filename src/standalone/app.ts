import type { DynamicModule, INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import { config } from 'rxjs';
import { ConnectionLimits } from '../gateway/handshake/connection-limits.js';
import { HandshakeMetrics } from '../gateway/handshake/handshake-metrics.js';
import { Handshake } from '../gateway/handshake/handshake.js';
import { OriginPolicy } from '../gateway/handshake/origin-policy.js';
import { rejectPlainHttp } from '../gateway/handshake/plain-http.js';
import { GatewayInstances } from '../gateway/nest/gateway-instances.js';
import { GatewayPolicy } from '../gateway/nest/gateway-policy.js';
import { NodeAddress } from '../gateway/returns/node-address.js';
import { checkFiles } from '../module/settings-files.js';
import { NodeState } from '../node/node-state.js';
import { readSettings, unknownSettings, type Variables } from '../settings/environment.js';
import { assertPortIsFree, serverAddress } from './server-address.js';
import { redactedSettings } from '../settings/setting.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { HttpAdapter } from './http.adapter.js';
import { serveEndpoints } from './served-endpoints.js';
import { ServerAdapter } from './server.adapter.js';
import { StandaloneModule } from './standalone.module.js';
import { UnixListener } from './unix-listener.js';

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
export async function createApp({ variables, ...options }: AppOptions = {}): Promise<NestExpressApplication> {
  const settings = readSettings(variables);
  const log = new Log(settings);
  for (const line of unknownSettings(variables)) log.warn(line);
  return createServer(settings, log, options);
}

/** Makes the Nest application of a module, without listening. */
export type Create = (
  module: DynamicModule,
  adapter: HttpAdapter,
  options: NestApplicationOptions & { readonly logger: Log },
) => Promise<NestExpressApplication>;

/**
 * Creates the server from settings and a log.
 *
 * @param create makes the application; tests override providers before
 */
export async function createServer(
  settings: Settings,
  log: Log,
  { handlers, rawBody = false, inheritAppConfig = false }: Omit<AppOptions, 'variables'>,
  create: Create = (...parts) => NestFactory.create(...parts),
): Promise<NestExpressApplication> {
  checkFiles(settings);
  // rxjs rethrows an unhandled error in a timer, which would end the process.
  config.onUnhandledError = (error: unknown): void => log.error(error);
  const policy = new GatewayPolicy({ inheritAppConfig, plainGateways: 'served' });
  const module = await StandaloneModule.forRoot(settings, log, policy, handlers);
  const app = await create(module, new HttpAdapter(settings), {
    logger: log,
    rawBody,
    abortOnError: false,
  });
  app.disable('x-powered-by');
  await serveEndpoints(app);
  rejectPlainHttp(app.getHttpServer(), app.get(Handshake), app.get(OriginPolicy), app.get(HandshakeMetrics));
  await app.get(GatewayInstances).createTransient();
  app.useWebSocketAdapter(new ServerAdapter(app));
  app.get(ConnectionLimits).guard(app.getHttpServer());
  return app;
}

/**
 * Listens on `HOST` and `PORT`, and on the Unix socket of `LISTEN`, and logs both; returns the port.
 *
 * @throws {ListenError} when the process cannot listen there
 */
export async function startApp(app: INestApplication): Promise<number> {
  const [settings, log] = [app.get(Settings), app.get(Log)];
  log.debug('starting', redactedSettings(settings));
  await assertPortIsFree(settings);
  await app.listen(settings.port, settings.host);
  const adapter = app.getHttpAdapter() as unknown as HttpAdapter;
  const server = app.getHttpServer() as Server;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : settings.port;
  if (settings.listen !== undefined) adapter.unixListener = await UnixListener.open(settings.listen, server);
  app.get(NodeState).ready();
  const socket = adapter.unixListener?.path;
  app.get(NodeAddress).unixPath = socket;
  log.info('listening', { ...serverAddress(settings, port), socket, node: process.version, pid: process.pid });
  return port;
}
