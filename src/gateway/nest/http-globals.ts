import type { INestApplication } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { StartError } from '../../settings/start-error.js';
import { Log } from '../../telemetry/log.js';

const NONE = (): never[] => [];

/**
 * Returns the configuration of an application without its global guards and interceptors, for the messages of gateways.
 * They are written for requests: they read headers that no message has, and wrap answers whose form the protocol defines.
 * Logs the names of the guards, because an application may expect them to guard messages.
 */
export function withoutHttpGlobals(app: INestApplication): ApplicationConfig {
  const config = app.get(ApplicationConfig);
  logGuards(config, app.get(Log));
  return Object.assign(Object.create(config) as ApplicationConfig, {
    getGlobalGuards: NONE,
    getGlobalRequestGuards: NONE,
    getGlobalInterceptors: NONE,
    getGlobalRequestInterceptors: NONE,
  });
}

function logGuards(config: ApplicationConfig, log: Log): void {
  const guards = [
    ...config.getGlobalGuards().map((guard) => guard.constructor.name),
    ...config.getGlobalRequestGuards().map(({ name }) => String(name)),
  ];
  if (guards.length === 0) return;
  log.warn('global guards do not guard messages: put @UseGuards() on gateways, or set inheritAppConfig', {
    guards: guards.join(' '),
  });
}

/**
 * Refuses global guards and interceptors with a scope, which Nest creates for requests only: messages would pass a guard
 * that never runs.
 *
 * @throws {StartError} with one line for each
 */
export function refuseScopedGlobals(config: ApplicationConfig): void {
  const scoped = [...config.getGlobalRequestGuards(), ...config.getGlobalRequestInterceptors()];
  const lines = scoped.map(
    ({ metatype, name }) =>
      `${metatype?.name ?? String(name)} is global and has a scope, so it cannot run for messages; make it a singleton, or use it on gateways without inheritAppConfig`,
  );
  if (lines.length > 0) throw new StartError(lines);
}
