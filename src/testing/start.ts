import type { DynamicModule, HttpServer, INestApplication, LoggerService } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { createServer, startApp, type AppOptions, type Create } from '../app.js';
import { readSettings, type Variables } from '../settings/environment.js';
import { TestLog } from './test-log.js';
import { TestServer } from './test-server.js';
import { TEST_DEFAULTS, variablesOf, type TestSettings } from './test-settings.js';

export type { Received } from './inbox.js';
export { connectTestClient, TestClient } from './test-client.js';
export type { Closed, ConnectOptions, RequestOptions, TestSocket } from './test-client.js';
export { HandshakeError, RequestError } from './test-errors.js';
export type { LogLine } from './test-log.js';
export { TestServer, type TestConnectOptions } from './test-server.js';
export type { TestSettings } from './test-settings.js';
export type { TestClaims } from './test-token.js';

type Override = (builder: TestingModuleBuilder) => unknown;

/** Options of both kinds of start. */
export interface TestOptions {
  /** Modules to test. */
  readonly imports: NonNullable<DynamicModule['imports']>;
  /** Replaces providers, guards, modules … before they are created, as in Nest: needs the package `@nestjs/testing`. */
  readonly override?: Override;
  /** Whether the lines of the log are kept for the test only, which is the default, or printed too. */
  readonly log?: 'kept' | 'printed';
  /** Milliseconds that each wait of a client takes at most; 3000 by default. */
  readonly timeoutMs?: number;
}

export interface TestServerOptions extends TestOptions, Pick<AppOptions, 'rawBody' | 'inheritAppConfig'> {
  /** Settings of the server. Rate limits are off by default, and tokens of {@link TestServer.connect} are accepted. */
  readonly settings?: TestSettings;
  /** Settings as texts by the names of the variables, `{ MESSAGES_PER_SECOND: '10' }`. They override `settings`. */
  readonly variables?: Variables;
}

/**
 * Starts the server with your modules in place of its own handlers, on a free port of 127.0.0.1. The environment of the
 * process is not read.
 *
 * @throws {SettingsError} when a setting is invalid
 * @throws {StartError} when a handler claims a type that is invalid, reserved or claimed already
 */
export async function startTestServer({
  imports,
  override,
  settings = {},
  variables = {},
  log = 'kept',
  timeoutMs,
  ...options
}: TestServerOptions): Promise<TestServer<NestExpressApplication>> {
  const read = readSettings({ ...TEST_DEFAULTS, ...variablesOf(settings), ...variables }, {});
  const testLog = new TestLog(read, log);
  const create = override && overriding(override);
  const app = await createServer(read, testLog, { ...options, handlers: imports }, create);
  return listening(app, testLog, timeoutMs, startApp);
}

export interface TestAppOptions<App extends INestApplication> extends TestOptions {
  /** The HTTP adapter, such as `new FastifyAdapter()`; Express by default. */
  readonly httpAdapter?: HttpServer | AbstractHttpAdapter;
  /** Does what your `main.ts` does before it listens: the WebSocket adapter, a global prefix, pipes. */
  readonly configure?: (app: App) => unknown;
}

/**
 * Starts a Nest application of your own, whose modules import Switchboard, on a free port of 127.0.0.1. Needs the
 * package `@nestjs/testing`.
 */
export async function startTestApp<App extends INestApplication = INestApplication>({
  imports,
  override,
  httpAdapter,
  configure,
  log = 'kept',
  timeoutMs,
}: TestAppOptions<App>): Promise<TestServer<App>> {
  const testLog = new TestLog({ logLevel: 'debug', logFormat: 'text' }, log);
  const options = { logger: testLog, abortOnError: false };
  const testingModule = await compiled(imports, override, testLog);
  const app =
    httpAdapter === undefined
      ? testingModule.createNestApplication<App>(options)
      : testingModule.createNestApplication<App>(httpAdapter, options);
  await configure?.(app);
  return listening(app, testLog, timeoutMs, () => app.listen(0, '127.0.0.1'));
}

/** Makes the application with Nest's testing module. */
function overriding(override: Override): Create {
  return async (module, adapter, options) => {
    const testingModule = await compiled([module], override, options.logger);
    return testingModule.createNestApplication<NestExpressApplication>(adapter, options);
  };
}

async function compiled(
  imports: TestOptions['imports'],
  override: Override | undefined,
  log: LoggerService,
): Promise<TestingModule> {
  // Loaded here, because a test that overrides nothing does not need the package.
  const { Test } = await import('@nestjs/testing');
  const builder = Test.createTestingModule({ imports }).setLogger(log);
  await override?.(builder);
  return builder.compile();
}

/** Listens. Closes an application that cannot, because its connections to databases would keep the process alive. */
async function listening<App extends INestApplication>(
  app: App,
  log: TestLog,
  timeoutMs: number | undefined,
  listen: (app: App) => Promise<unknown>,
): Promise<TestServer<App>> {
  try {
    await listen(app);
  } catch (error) {
    await app.close().catch(() => undefined); // the first error is the cause
    throw error;
  }
  return new TestServer(app, log, timeoutMs);
}
