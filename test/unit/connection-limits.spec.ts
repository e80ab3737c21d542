import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Admission } from '../../src/gateway/handshake/admission.js';
import type { ClientAddress } from '../../src/gateway/handshake/client-address.js';
import { Counters } from '../../src/telemetry/counters.js';
import { ConnectionLimits } from '../../src/gateway/handshake/connection-limits.js';
import type { HandshakeMetrics } from '../../src/gateway/handshake/handshake-metrics.js';
import { Settings } from '../../src/settings/settings.js';

const EVENTS = ['request', 'upgrade', 'connect', 'clientError'];

function limits(): ConnectionLimits {
  return new ConnectionLimits(
    {} as ClientAddress,
    {} as Admission,
    {} as HandshakeMetrics,
    new Counters(),
    new Settings(),
  );
}

describe('the limits of connections', () => {
  it('take the place of one listener of each event', () => {
    const server = createServer();
    for (const event of EVENTS) server.on(event, () => undefined);
    limits().guard(server);
    expect(EVENTS.map((event) => server.listenerCount(event))).toEqual([1, 1, 1, 1]);
  });

  it.each(['connection', ...EVENTS])('do not remove a second listener of %s without a word', (added) => {
    const server = createServer();
    for (const event of [...EVENTS, added]) server.on(event, () => undefined);
    expect(() => limits().guard(server)).toThrow(`the server has 2 listeners for "${added}", where one is expected`);
  });

  it.each(EVENTS)('demand a listener of %s', (absent) => {
    const server = createServer();
    for (const event of EVENTS) if (event !== absent) server.on(event, () => undefined);
    expect(() => limits().guard(server)).toThrow(`the server has 0 listeners for "${absent}", where one is expected`);
  });
});
