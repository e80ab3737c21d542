import { randomBytes } from 'node:crypto';
import type { Log, LogFields } from './log.js';

const INCIDENT_BYTES = 6;

/** Logs an exception under a new incident id, and returns the id. */
export function logIncident(log: Log, error: unknown, fields: LogFields): string {
  const incident = newIncident();
  log.error(error, { incident, ...fields });
  return incident;
}

/** Returns a new id, by which a line of the log is found. */
export function newIncident(): string {
  return randomBytes(INCIDENT_BYTES).toString('hex');
}
