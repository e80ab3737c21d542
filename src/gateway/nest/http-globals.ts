import type { ApplicationConfig } from '@nestjs/core';
import { StartError } from '../../settings/start-error.js';
import type { Log } from '../../telemetry/log.js';
import type { GatewayPolicy } from './gateway-policy.js';

const NONE = (): never[] => [];

/**
 * Returns the global things that run for messages: pipes, and with `inheritAppConfig` guards and interceptors. Without it
 * these run for requests only, because they read headers that no message has, and wrap answers whose form the protocol
 * defines. Logs what an application may expect to run for messages.
 *
 * @throws {StartError} with `inheritAppConfig`, for a guard or interceptor with a scope, which Nest creates for requests only
 */
export function messageConfig(
  config: ApplicationConfig,
  log: Log,
  { inheritAppConfig }: GatewayPolicy,
): ApplicationConfig {
  warnOf(log, 'global pipes with a scope do not run for messages: use @UsePipes() on gateways', {
    pipes: config.getGlobalRequestPipes().map(nameOf),
  });
  const scopedPipes = { getGlobalRequestPipes: NONE };
  if (inheritAppConfig) {
    refuseScoped(config);
    return Object.assign(Object.create(config) as ApplicationConfig, scopedPipes);
  }
  warnOf(log, 'global guards do not guard messages: put @UseGuards() on gateways, or set inheritAppConfig', {
    guards: [
      ...config.getGlobalGuards().map(({ constructor }) => constructor.name),
      ...config.getGlobalRequestGuards().map(nameOf),
    ],
  });
  return Object.assign(Object.create(config) as ApplicationConfig, scopedPipes, {
    getGlobalGuards: NONE,
    getGlobalRequestGuards: NONE,
    getGlobalInterceptors: NONE,
    getGlobalRequestInterceptors: NONE,
  });
}

function refuseScoped(config: ApplicationConfig): void {
  const scoped = [...config.getGlobalRequestGuards(), ...config.getGlobalRequestInterceptors()].map(nameOf);
  const remedy = 'make it a singleton, or use it on gateways without inheritAppConfig';
  const lines = scoped.map((name) => `${name} is global and has a scope, so it cannot run for messages; ${remedy}`);
  if (lines.length > 0) throw new StartError(lines);
}

/** Logs a line with the names in its field; no line where there are none. */
function warnOf(log: Log, line: string, fields: Readonly<Record<string, readonly string[]>>): void {
  for (const [field, names] of Object.entries(fields))
    if (names.length > 0) log.warn(line, { [field]: names.join(' ') });
}

function nameOf({ metatype, name }: { readonly metatype: unknown; readonly name: unknown }): string {
  return typeof metatype === 'function' ? metatype.name : String(name);
}
