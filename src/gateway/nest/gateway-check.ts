import type { INestApplication } from '@nestjs/common';
import { Settings } from '../../settings/settings.js';
import { StartError } from '../../settings/start-error.js';
import { Log } from '../../telemetry/log.js';
import { bodyFaults } from './body-declarations.js';
import { checkClaims } from './claim-check.js';
import { GatewayExplorer } from './gateway-explorer.js';
import { ignoredOptions, refusedOptions } from './gateway-options.js';

/**
 * Checks all gateways before Nest connects them, and logs their options without effect.
 *
 * @throws {StartError} with one line for each fault
 */
export function checkGateways(app: INestApplication): void {
  const gateways = app.get(GatewayExplorer).gateways();
  const lines = [...refusedOptions(gateways), ...checkClaims(gateways), ...bodyFaults(gateways)];
  if (lines.length > 0) throw new StartError(lines);
  for (const line of ignoredOptions(gateways, app.get(Settings))) app.get(Log).warn(line);
}
