import { Injectable, Module, Scope } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { MessagingGateway } from '../../src/index.js';
import { Drain } from '../../src/ops/shutdown/drain.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

type Change = (client: GatewaySocket) => void;

/** Changes that a gateway may make to the listeners of its client. */
const CHANGES: [string, Change][] = [
  ['removes all listeners', (client) => void client.removeAllListeners()],
  ['removes the listeners of close', (client) => void client.removeAllListeners('close')],
  ['adds a listener of close that throws', (client) => void client.on('close', fails)],
  ['puts a listener of close that throws in front', (client) => void client.prependListener('close', fails)],
];

function fails(): never {
  throw new Error('in a listener of close');
}

@Injectable()
class Recorder {
  readonly calls: string[] = [];
  inConnection: Change = () => undefined;
  inHandler: Change = () => undefined;
  inDeparture: Change = () => undefined;
}

@MessagingGateway()
class ChangingGateway {
  constructor(private readonly recorder: Recorder) {}

  handleConnection(client: GatewaySocket): void {
    this.recorder.inConnection(client);
  }

  onSessionDeparture({ connection }: { connection?: unknown }): void {
    setImmediate(() => this.recorder.inDeparture(connection as GatewaySocket));
  }

  handleDisconnect(): void {
    this.recorder.calls.push('changing');
  }

  @SubscribeMessage('change')
  change(@ConnectedSocket() client: GatewaySocket): void {
    this.recorder.inHandler(client);
  }
}

@Injectable({ scope: Scope.REQUEST })
@MessagingGateway()
class ScopedGateway {
  constructor(private readonly recorder: Recorder) {}

  handleDisconnect(): void {
    this.recorder.calls.push('scoped');
  }
}

@Module({ providers: [Recorder, ChangingGateway, ScopedGateway] })
class ChangingModule {}

describe.each(CHANGES)('a gateway that %s', (_, change) => {
  let server: TestServer;
  let recorder: Recorder;
  keepLogLines();

  beforeEach(async () => {
    server = await startServer({}, [ChangingModule]);
    recorder = server.app.get(Recorder, { strict: false });
  });
  afterEach(() => server.stop());

  it.each(['inConnection', 'inHandler'] as const)('%s keeps no hook of a disconnect from running', async (where) => {
    recorder[where] = change;
    const alice = await server.connect();
    alice.send({ type: 'change', id: '1' });
    await alice.answer('1');
    await alice.close();
    await expect.poll(() => recorder.calls).toEqual(['changing', 'scoped']);
  });

  it.each(['inConnection', 'inHandler', 'inDeparture'] as const)(
    '%s changes nothing in the report of a drain',
    async (where) => {
      recorder[where] = change;
      const alice = await server.connect();
      alice.send({ type: 'change', id: '1' });
      await alice.answer('1');
      const report = await server.app.get(Drain, { strict: false }).run();
      expect((await alice.closed).code).toBe(1012);
      expect(report).toMatchObject({ sessions: 1, cut: 0 });
    },
  );
});
