import type { INestApplication } from '@nestjs/common';
import { GATEWAY_METADATA } from '@nestjs/websockets/constants.js';
import { Settings } from '../../settings/settings.js';
import { StartError } from '../../settings/start-error.js';
import { Log } from '../../telemetry/log.js';
import { bodyFaults } from './body-declarations.js';
import { checkClaims } from './claim-check.js';
import { GatewayExplorer, type ExploredGateway } from './gateway-explorer.js';
import { GatewayPolicy } from './gateway-policy.js';
import { ignoredOptions, refusedOptions, takenPaths } from './gateway-options.js';

/**
 * Checks all gateways before Nest connects them, and logs their options without effect.
 *
 * @throws {StartError} with one line for each fault
 */
export function checkGateways(app: INestApplication): void {
  const explorer = app.get(GatewayExplorer);
  const gateways = explorer.gateways();
  const { plainGateways } = app.get(GatewayPolicy);
  const settings = app.get(Settings);
  const lines = [
    ...(plainGateways === 'served' ? refusedOptions(gateways) : decoratedTwice(gateways)),
    ...takenPaths(explorer.foreignClasses(), settings),
    ...checkClaims(gateways),
    ...bodyFaults(gateways),
  ];
  if (lines.length > 0) throw new StartError(lines);
  for (const line of ignoredOptions(gateways, settings)) app.get(Log).warn(line);
}

/** Returns one line for each class that the other adapter of the application would serve, too. */
function decoratedTwice(gateways: readonly ExploredGateway[]): string[] {
  const classes = new Set(gateways.map(({ metatype }) => metatype));
  return [...classes]
    .filter((metatype) => Reflect.hasMetadata(GATEWAY_METADATA, metatype))
    .map(({ name }) => `${name} has @MessagingGateway() and @WebSocketGateway(); remove one of them`);
}
