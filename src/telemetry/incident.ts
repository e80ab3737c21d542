import { randomBytes } from 'node:crypto';
import type { Log, LogFields } from './log.js';

const INCIDENT_BYTES = 6;

/** Logs an exception under a new incident id, and returns the id. */
export function logIncident(log: Log, error: unknown, fields: LogFields): string {
  const incident = randomBytes(INCIDENT_BYTES).toString('hex');
  log.error(error, { incident, ...fields });
  return incident;
}
