import type { INestApplication } from '@nestjs/common';
import { Settings } from '../../settings/settings.js';
import { StartError } from '../../settings/start-error.js';
import { Log } from '../../telemetry/log.js';
import { bodyFaults } from './body-declarations.js';
import { checkClaims } from './claim-check.js';
import { GatewayExplorer } from './gateway-explorer.js';
import { ignoredOptions, refusedOptions, shareOneServer } from './gateway-options.js';

/**
 * Checks all gateways before Nest connects them, logs their options without effect, and returns the types that their
 * handlers claim.
 *
 * @throws {StartError} with one line for each fault
 */
export function checkGateways(app: INestApplication): readonly string[] {
  const gateways = app.get(GatewayExplorer).gateways();
  const { types, faults } = checkClaims(gateways);
  const lines = [...refusedOptions(gateways), ...faults, ...bodyFaults(gateways)];
  if (lines.length > 0) throw new StartError(lines);
  for (const line of ignoredOptions(gateways, app.get(Settings))) app.get(Log).warn(line);
  shareOneServer(gateways);
  return types;
}
