import { Injectable, Module, Scope, UseFilters, UseGuards, UseInterceptors, type Provider } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayDisconnect } from '@nestjs/websockets';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { MessagingGateway, type OnSessionArrival, type OnSessionDeparture } from '../../src/index.js';
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

const tenant = new AsyncLocalStorage<string>();

/** The calls of the gateways below, with the async context of each. */
const calls: string[] = [];
const note = (call: string): void => {
  calls.push(`${call}${tenant.getStore() ?? ''}`);
  tenant.enterWith(` after ${call}`);
};

/** The hooks of a base class, which a gateway inherits. */
abstract class NotingGateway implements OnSessionArrival, OnSessionDeparture {
  abstract readonly name: string;

  handleConnection(): void {
    note(`${this.name} connection`);
  }

  handleDisconnect(): void {
    note(`${this.name} disconnect`);
  }

  onSessionArrival(): void {
    note(`${this.name} arrival`);
  }

  onSessionDeparture(): void {
    note(`${this.name} departure`);
  }
}

@WebSocketGateway({ namespace: 'named' })
class NamedGateway extends NotingGateway {
  readonly name = 'named';
}

@Injectable({ scope: Scope.REQUEST })
@MessagingGateway()
class ScopedGateway extends NotingGateway {
  readonly name = 'scoped';
}

@MessagingGateway()
class PlainGateway extends NotingGateway {
  readonly name = 'plain';
}

/** Hooks that are properties. */
@MessagingGateway()
class PropertyGateway {
  readonly handleConnection = (): void => note('property connection');
  readonly handleDisconnect = (): void => note('property disconnect');
  readonly onSessionArrival = (): void => note('property arrival');
  readonly onSessionDeparture = (): void => note('property departure');
}

@Module({ providers: [NamedGateway, ScopedGateway] })
class InnerModule {}
@Module({ imports: [InnerModule], providers: [PlainGateway, PropertyGateway] })
class OuterModule {}

const EVENTS = ['arrival', 'connection', 'departure', 'disconnect'] as const;

describe('the hooks of gateways of every kind', () => {
  let app: TestServer;

  const visit = async (...modules: object[]): Promise<void> => {
    app = await startServer({}, modules as never);
    calls.length = 0;
    const alice = await app.connect();
    alice.send({ type: 'unknown', id: '1' });
    await alice.answer('1');
    await alice.close();
    await app.stop();
  };

  it('run once for a session, each in the order of modules and providers', async () => {
    await visit(OuterModule);
    const order = (event: string): string[] => calls.filter((call) => call.endsWith(event));
    for (const event of ['departure', 'disconnect'])
      expect(order(event)).toEqual([`plain ${event}`, `property ${event}`, `named ${event}`, `scoped ${event}`]);
    // The instance of a scoped gateway is created after the other arrival hooks have run.
    for (const event of ['arrival', 'connection'])
      expect(order(event)).toEqual([`plain ${event}`, `property ${event}`, `named ${event}`, `scoped ${event}`]);
  });

  it('run each in an async context of its own', async () => {
    await visit(OuterModule);
    expect(calls).toHaveLength(4 * EVENTS.length);
    expect(calls.filter((call) => call.includes('after'))).toEqual([]);
  });

  it('run whatever guards, interceptors and filters their gateway has, as in Nest', async () => {
    const never = (): never => {
      throw new Error('not for hooks');
    };
    @UseGuards({ canActivate: never })
    @UseInterceptors({ intercept: never })
    @UseFilters({ catch: never })
    @MessagingGateway()
    class GuardedGateway extends NotingGateway {
      readonly name = 'guarded';
    }
    @Module({ providers: [GuardedGateway] })
    class GuardedModule {}
    await visit(GuardedModule);
    expect(calls.toSorted()).toEqual(EVENTS.map((event) => `guarded ${event}`));
  });

  it('run for the providers that Nest binds: classes under any token, and no factories, values or aliases', async () => {
    const made = new PlainGateway();
    const providers: Provider[] = [
      { provide: 'of a class', useClass: PropertyGateway },
      { provide: 'of a factory', useFactory: () => new PlainGateway() },
      { provide: 'of a value', useValue: made },
      { provide: 'an alias', useExisting: 'of a class' },
    ];
    @Module({ providers })
    class ProvidersModule {}
    await visit(ProvidersModule);
    expect(calls.toSorted()).toEqual(EVENTS.map((event) => `property ${event}`));
  });
});
