import type { INestApplication } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
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
