import { Injectable, Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessagingGateway, type OnSessionDeparture } from '../../src/index.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Deferred } from '../support/deferred.js';
import { startServer, type TestServer } from '../support/server.js';

/** Keeps departures open until a test ends them. */
@Injectable()
class Gate {
  readonly calls: string[] = [];
  readonly called = new Deferred();
  readonly open = new Deferred();
}

@MessagingGateway()
class SavingGateway implements OnSessionDeparture {
  constructor(private readonly gate: Gate) {}

  async onSessionDeparture(): Promise<void> {
    this.gate.calls.push('begins');
    this.gate.called.resolve();
    await this.gate.open.promise;
    this.gate.calls.push('ends');
  }
}

@Module({ providers: [Gate, SavingGateway] })
class SavingModule {}

describe('the departure hooks', () => {
  let app: TestServer;
  let gate: Gate;
  let counters: Counters;

  beforeEach(async () => {
    app = await startServer({}, [SavingModule]);
    gate = app.app.get(Gate, { strict: false });
    counters = app.app.get(Counters, { strict: false });
  });
  afterEach(() => app.stop());

  it('are counted until the promises that they returned settle', async () => {
    const alice = await app.connect();
    expect(counters.departureHooksRunning).toBe(0);
    await alice.close();
    await gate.called.promise;
    expect(counters.departureHooksRunning).toBeGreaterThan(0);
    gate.open.resolve();
    await expect.poll(() => counters.departureHooksRunning).toBe(0);
    expect(gate.calls).toEqual(['begins', 'ends']);
  });
});
