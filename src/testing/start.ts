import type { DynamicModule, INestApplication, LoggerService, Type } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { createServer, startApp, type AppOptions, type Create } from '../standalone/app.js';
import { readSettings, type Variables } from '../settings/environment.js';
import { Log, type LogOptions } from '../telemetry/log.js';
import { StandardOutput } from '../telemetry/standard-output.js';
import { TestLog, TestLogger } from './test-log.js';
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
  /** Replaces providers, guards, modules … before they are created, as in Nest: needs the package `@nestjs/testing`. */
  readonly override?: Override;
  /** Whether the lines of the log are kept for the test only, which is the default, or printed too. */
  readonly log?: 'kept' | 'printed';
  /** Milliseconds that each wait of a client takes at most; 3000 by default. */
  readonly timeoutMs?: number;
}

export interface TestServerOptions extends TestOptions, Pick<AppOptions, 'rawBody' | 'inheritAppConfig'> {
  /** Modules to test. */
  readonly imports: NonNullable<DynamicModule['imports']>;
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
  const testLog = newLog(log, read.logFormat);
  const create = override && overriding(override);
  const app = await createServer(read, new Log(read, testLog), { ...options, handlers: imports }, create);
  return served(app, testLog, timeoutMs, startApp);
}

export interface TestAppOptions<App extends INestApplication> extends TestOptions {
  /** The root module of the application, which imports `SwitchboardModule.forRoot()`. */
  readonly module: Type | DynamicModule;
  /** Does what your `main.ts` does before it listens: sets the `SwitchboardAdapter`, a prefix, pipes. */
  readonly configure: (app: App) => unknown;
  /** The HTTP adapter, such as `new FastifyAdapter()`; Express by default. */
  readonly httpAdapter?: AbstractHttpAdapter;
}

/**
 * Starts a Nest application of your own that has Switchboard as a library, on a free port of 127.0.0.1. Closes the
 * application where the start fails.
 *
 * @throws {Error} where the application does not import `SwitchboardModule`, and what `configure` throws
 */
export async function startTestApp<App extends INestApplication = INestApplication>({
  module,
  configure,
  override,
  httpAdapter = new ExpressAdapter(),
  log = 'kept',
  timeoutMs,
}: TestAppOptions<App>): Promise<TestServer<App>> {
  const testLog = newLog(log, 'text');
  const options = { logger: new TestLogger(testLog), abortOnError: false };
  const app =
    override === undefined
      ? await NestFactory.create<App>(module, httpAdapter, options)
      : (await compiled(module, override, options.logger)).createNestApplication<App>(httpAdapter, options);
  return served(app, testLog, timeoutMs, async () => {
    await configure(app);
    await app.listen(0, '127.0.0.1');
  });
}

function newLog(log: 'kept' | 'printed', format: LogOptions['logFormat']): TestLog {
  return log === 'printed' ? new TestLog(new StandardOutput(format)) : new TestLog();
}

/** Makes the server with Nest's testing module. */
function overriding(override: Override): Create {
  return async (module, adapter, options) =>
    (await compiled(module, override, options.logger)).createNestApplication(adapter, options);
}

async function compiled(
  module: Type | DynamicModule,
  override: Override,
  logger: LoggerService,
): Promise<TestingModule> {
  // Loaded here, because a test that overrides nothing does not need the package.
  const { Test } = await import('@nestjs/testing');
  const builder = Test.createTestingModule({ imports: [module] }).setLogger(logger);
  await override(builder);
  return builder.compile();
}

/** Starts an application. Closes one that fails, because its connections to databases would keep the process alive. */
async function served<App extends INestApplication>(
  app: App,
  log: TestLog,
  timeoutMs: number | undefined,
  start: (app: App) => Promise<unknown>,
): Promise<TestServer<App>> {
  try {
    await start(app);
    return new TestServer(app, log, timeoutMs);
  } catch (error) {
    await app.close().catch(() => undefined); // the first error is the cause
    throw error;
  }
}
