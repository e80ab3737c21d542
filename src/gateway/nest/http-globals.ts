import type { INestApplication } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import type { Log } from '../../telemetry/log.js';

/** Makes what Nest runs around the handlers of gateways: guards, pipes, interceptors and filters. */
interface SocketModule {
  getContextCreator(container: unknown, config: unknown, filters: unknown): unknown;
}

/** The part of Nest's application that binds gateways. It is not public, and there is no other access to it. */
interface GatewayBinding {
  loadSocketModule?(): Promise<void>;
  readonly socketModule?: Partial<SocketModule> | null;
}

const NONE = (): never[] => [];
/** The configuration of handlers, by that of the application. */
const handlerConfigs = new WeakMap<ApplicationConfig, ApplicationConfig>();

/** Returns the global things that run for messages: those of the application, or none. */
export function configOfHandlers(app: INestApplication): ApplicationConfig {
  const config = app.get(ApplicationConfig);
  return handlerConfigs.get(config) ?? config;
}

/**
 * Keeps global guards and interceptors from the messages of gateways. They are written for requests: they read headers
 * that no message has, and wrap answers whose form the protocol defines. Nest would run them around handlers, too.
 *
 * @throws {Error} for a version of Nest that binds gateways in another way
 */
export async function keepGlobalsFromMessages(app: INestApplication, log: Log): Promise<void> {
  const nest = app as unknown as GatewayBinding;
  await nest.loadSocketModule?.();
  const { socketModule } = nest;
  const create = socketModule?.getContextCreator;
  if (socketModule === undefined || socketModule === null || create === undefined) throw otherVersion();
  const appConfig = app.get(ApplicationConfig);
  const handlerConfig = withoutHttpGlobals(appConfig);
  handlerConfigs.set(appConfig, handlerConfig);
  socketModule.getContextCreator = (container, config, filters) => {
    if (config !== appConfig) throw otherVersion();
    logGuards(appConfig, log);
    return create.call(socketModule, container, handlerConfig, filters);
  };
}

function withoutHttpGlobals(config: ApplicationConfig): ApplicationConfig {
  return Object.assign(Object.create(config) as ApplicationConfig, {
    getGlobalGuards: NONE,
    getGlobalRequestGuards: NONE,
    getGlobalInterceptors: NONE,
    getGlobalRequestInterceptors: NONE,
  });
}

/** Names the global guards, because an application may expect them to guard messages. */
function logGuards(config: ApplicationConfig, log: Log): void {
  const guards = [
    ...config.getGlobalGuards().map((guard) => guard.constructor.name),
    ...config.getGlobalRequestGuards().map(({ name }) => String(name)),
  ];
  if (guards.length === 0) return;
  log.info('global guards do not guard messages: put @UseGuards() on gateways, or set inheritAppConfig', {
    guards: guards.join(' '),
  });
}

function otherVersion(): Error {
  return new Error(
    'This version of Nest binds gateways in another way: install @nestjs/core 12.5 and @nestjs/websockets 12.1.',
  );
}
