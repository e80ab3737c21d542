import { Injectable, Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionHooks } from '../../src/gateway/nest/session-hooks.js';
import { MessagingGateway, type OnSessionDeparture } from '../../src/index.js';
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
  let hooks: SessionHooks;

  beforeEach(async () => {
    app = await startServer({}, [SavingModule]);
    gate = app.app.get(Gate, { strict: false });
    hooks = app.app.get(SessionHooks, { strict: false });
  });
  afterEach(() => app.stop());

  it('are settled at once where no session has left', async () => {
    await app.connect();
    await expect(hooks.settled()).resolves.toBeUndefined();
  });

  it('are settled once the promises that they returned are', async () => {
    const alice = await app.connect();
    await alice.close();
    await gate.called.promise;
    const settled = hooks.settled().then(() => gate.calls.push('settled'));
    gate.open.resolve();
    await settled;
    expect(gate.calls).toEqual(['begins', 'ends', 'settled']);
    await expect(hooks.settled()).resolves.toBeUndefined();
  });
});
