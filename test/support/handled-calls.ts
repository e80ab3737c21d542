import { afterEach, beforeEach, expect } from 'vitest';
import type { Client } from './client.js';
import type { TestServer } from './server.js';

/** Sends a message; returns the data of all answers to it, of which the last is the `sys.ack` or `sys.error`. */
export async function answersTo(client: Client, type: string, data?: unknown): Promise<unknown[]> {
  client.send({ type, id: 'call', data });
  const all: unknown[] = [];
  for (let answer = await client.next(); ; answer = await client.next()) {
    all.push(answer.data);
    if (answer.type === 'sys.ack' || answer.type === 'sys.error') break;
  }
  await client.settled();
  expect(client.inbox).toEqual([]);
  return all;
}

/**
 * Sends a message, and cuts the connection of the client once the handler has started.
 *
 * @returns another client, which has got the notice of the departure
 */
export async function leaveDuring(
  server: TestServer,
  client: Client,
  started: Promise<unknown>,
  message: object,
): Promise<Client> {
  client.send(message);
  await started;
  const witness = await server.connect();
  client.terminate();
  await witness.next('sys.departed');
  await witness.settled();
  return witness;
}

/** Fails each test of the file during which an exception would have ended the process. */
export function expectNothingUncaught(): void {
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  beforeEach(() => {
    uncaught.length = 0;
    process.prependListener('uncaughtException', note);
  });
  afterEach(() => {
    process.off('uncaughtException', note);
    expect(uncaught).toEqual([]);
  });
}
