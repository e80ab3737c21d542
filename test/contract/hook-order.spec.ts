import { Injectable, Module } from '@nestjs/common';
import type { OnGatewayConnection, OnGatewayDisconnect } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { MessagingGateway } from '../../src/index.js';
import { startServer, type TestServer } from '../support/server.js';

@Injectable()
class Recorder {
  readonly calls: string[] = [];

  record(call: string, { session }: GatewaySocket): void {
    this.calls.push(`${call}, session ${session?.closed === false ? 'open' : 'closed'}`);
  }
}

@MessagingGateway()
class FirstGateway implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(private readonly recorder: Recorder) {}

  handleConnection(socket: GatewaySocket): void {
    this.recorder.record('first connection', socket);
  }

  handleDisconnect(socket: GatewaySocket): void {
    this.recorder.record('first disconnect', socket);
  }
}

@MessagingGateway()
class SecondGateway implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(private readonly recorder: Recorder) {}

  handleConnection(socket: GatewaySocket): void {
    this.recorder.record('second connection', socket);
  }

  handleDisconnect(socket: GatewaySocket): void {
    this.recorder.record('second disconnect', socket);
  }
}

@Module({ providers: [Recorder, FirstGateway, SecondGateway] })
class HooksModule {}

describe("Nest's hooks of several gateways", () => {
  let app: TestServer;
  let recorder: Recorder;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [HooksModule]);
    recorder = app.app.get(Recorder, { strict: false });
  });
  afterEach(() => app.stop());

  it('run in the order of the providers, while the session is open and after it has closed', async () => {
    const bob = await app.connect();
    await bob.settled();
    recorder.calls.length = 0;
    const alice = await app.connect();
    await alice.close();
    await bob.next('sys.departed');
    await bob.settled();
    expect(recorder.calls).toEqual([
      'first connection, session open',
      'second connection, session open',
      'first disconnect, session closed',
      'second disconnect, session closed',
    ]);
  });
});
