import { Inject, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { ContextIdFactory, REQUEST, type ContextId } from '@nestjs/core';
import {
  SubscribeMessage,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { MessagingGateway, type OnSessionArrival, type OnSessionDeparture, type Session } from '../../src/index.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

/** Records the calls of hooks and handlers, each with the number of its instance. */
@Injectable()
class Recorder {
  readonly calls: string[] = [];
  readonly requests: unknown[] = [];
  instances = 0;
}

/** Makes the gateways that inject it request-scoped. */
@Injectable({ scope: Scope.REQUEST })
class Tenant {
  constructor(@Inject(REQUEST) readonly request: GatewaySocket | undefined) {}
}

/** Every hook and one handler, on private fields and injected services. */
class AllHooks
  implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect, OnSessionArrival, OnSessionDeparture
{
  readonly #number: number;
  @WebSocketServer() readonly server: unknown;

  constructor(@Inject(Recorder) protected readonly recorder: Recorder) {
    this.#number = ++recorder.instances;
  }

  afterInit(): void {
    this.#record('afterInit');
  }

  handleConnection(): void {
    this.#record('handleConnection');
  }

  handleDisconnect(): void {
    this.#record('handleDisconnect');
  }

  onSessionArrival(): void {
    this.#record('onSessionArrival');
  }

  onSessionDeparture(): void {
    this.#record('onSessionDeparture');
  }

  @SubscribeMessage('handled')
  handled(): string {
    this.#record('handled');
    return this.server === undefined ? 'without a server' : 'with a server';
  }

  #record(call: string): void {
    this.recorder.calls.push(`${call} ${this.#number}`);
  }
}

@Injectable({ scope: Scope.REQUEST })
@MessagingGateway()
class ScopedGateway extends AllHooks {}

@MessagingGateway()
class ScopedByDependency extends AllHooks {
  constructor(recorder: Recorder, tenant: Tenant) {
    super(recorder);
    recorder.requests.push(tenant.request);
  }
}

@MessagingGateway()
class ScopedByProperty extends AllHooks {
  @Inject(Tenant) readonly tenant!: Tenant;
}

@Injectable({ scope: Scope.TRANSIENT })
@MessagingGateway()
class TransientByDependency extends AllHooks {
  @Inject(Tenant) readonly tenant!: Tenant;
}

@Injectable({ scope: Scope.TRANSIENT })
@MessagingGateway()
class TransientGateway extends AllHooks {}

@Injectable({ scope: Scope.REQUEST, durable: true })
@MessagingGateway()
class DurableGateway extends AllHooks {}

const GATEWAYS: [string, object][] = [
  ['a request-scoped gateway', ScopedGateway],
  ['a gateway that is request-scoped by a dependency', ScopedByDependency],
  ['a gateway that is request-scoped by an injected property', ScopedByProperty],
  ['a request-scoped gateway under a token of its own', { provide: 'chat', useClass: ScopedGateway }],
  ['a transient gateway that is request-scoped by a property', TransientByDependency],
  ['a durable gateway', DurableGateway],
];

describe('the hooks of', () => {
  let app: TestServer;
  let recorded: Recorder;
  const lines = keepLogLines();

  const start = async (...providers: unknown[]): Promise<void> => {
    @Module({ providers: [Recorder, Tenant, ...(providers as Type[])] })
    class HooksModule {}
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [HooksModule]);
    recorded = app.app.get(Recorder, { strict: false });
  };
  afterEach(() => app.stop());

  it.each(GATEWAYS)('%s run on one instance for each session, with its dependencies', async (_, gateway) => {
    await start(gateway);
    expect(recorded.calls).toEqual(['afterInit 1']);
    const alice = await app.connect();
    for (const id of ['1', '2']) alice.send({ type: 'handled', id });
    expect((await alice.answer('2')).data).toBe('with a server');
    await alice.close();
    await expect.poll(() => recorded.calls.at(-1)).toBe('handleDisconnect 2');
    const bob = await app.connect();
    await bob.close();
    await expect.poll(() => recorded.calls.at(-1)).toBe('handleDisconnect 3');
    expect(recorded.calls.slice(1)).toEqual([
      'onSessionArrival 2',
      'handleConnection 2',
      'handled 2',
      'handled 2',
      'onSessionDeparture 2',
      'handleDisconnect 2',
      'onSessionArrival 3',
      'handleConnection 3',
      'onSessionDeparture 3',
      'handleDisconnect 3',
    ]);
    expect(lines).toEqual([]);
  });

  it('a transient gateway run on one instance for the application, with its dependencies', async () => {
    await start(TransientGateway);
    const alice = await app.connect();
    alice.send({ type: 'handled', id: '1' });
    expect((await alice.answer('1')).data).toBe('with a server');
    const bob = await app.connect();
    await bob.settled();
    expect(recorded.calls).toEqual([
      'afterInit 1',
      'onSessionArrival 1',
      'handleConnection 1',
      'handled 1',
      'onSessionArrival 1',
      'handleConnection 1',
    ]);
    expect(lines).toEqual([]);
  });

  it('a durable gateway run on one instance for each sub-tree of the context strategy', async () => {
    const trees = new Map<string | undefined, ContextId>();
    ContextIdFactory.apply({
      attach: (contextId, { session }: GatewaySocket) => {
        const tree = trees.get(session?.identity.address) ?? ContextIdFactory.create();
        trees.set(session?.identity.address, tree);
        return { resolve: ({ isTreeDurable }) => (isTreeDurable ? tree : contextId), payload: {} };
      },
    });
    try {
      await start(DurableGateway);
      const [alice, bob] = [await app.connect(), await app.connect()];
      for (const client of [alice, bob]) {
        client.send({ type: 'handled', id: '1' });
        await client.answer('1');
      }
      expect(recorded.calls.filter((call) => call.startsWith('handle'))).toEqual([
        'handleConnection 2',
        'handleConnection 2',
        'handled 2',
        'handled 2',
      ]);
    } finally {
      ContextIdFactory.apply(undefined as never);
    }
  });

  it('a request-scoped gateway get the client of the session as REQUEST', async () => {
    await start(ScopedByDependency);
    const alice = await app.connect();
    await expect.poll(() => recorded.requests.length).toBe(2);
    expect((recorded.requests[1] as GatewaySocket).session?.id).toBe(alice.id);
  });

  it('a request-scoped gateway release its instance with the session', async () => {
    @Injectable({ scope: Scope.REQUEST })
    @MessagingGateway()
    class HeldGateway extends AllHooks {
      override handleConnection(): void {
        held.push(new WeakRef(this));
      }
    }
    const held: WeakRef<object>[] = [];
    await start(HeldGateway);
    const clients = await Promise.all(Array.from({ length: 10 }, () => app.connect()));
    await Promise.all(clients.map((client) => client.settled()));
    await Promise.all(clients.map((client) => client.close()));
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const alive = (): number => (collect(), held.filter((each) => each.deref() !== undefined).length);
    // Nest holds the last client.
    await expect.poll(alive).toBeLessThanOrEqual(1);
    expect(held).toHaveLength(10);
  });

  it('a request-scoped gateway may be properties', async () => {
    @Injectable({ scope: Scope.REQUEST })
    @MessagingGateway()
    class PropertyGateway {
      readonly handleConnection = (): Promise<void> => {
        this.recorder.calls.push('handleConnection');
        return Promise.reject(new Error('a property fails'));
      };
      readonly onSessionArrival = (): void => void this.recorder.calls.push('onSessionArrival');
      readonly handleDisconnect = (): void => void this.recorder.calls.push('handleDisconnect');

      constructor(private readonly recorder: Recorder) {}
    }
    await start(PropertyGateway);
    const alice = await app.connect();
    await alice.close();
    await expect.poll(() => recorded.calls).toEqual(['onSessionArrival', 'handleConnection', 'handleDisconnect']);
    expect(lines.filter((line) => line.includes('a property fails'))).toHaveLength(1);
  });

  it('a request-scoped gateway hold back the messages of the session until they are called', async () => {
    await start(
      { provide: 'slow', scope: Scope.REQUEST, useFactory: () => new Promise((resolve) => setImmediate(resolve)) },
      SlowGateway,
    );
    const alice = await app.connect();
    alice.send({ type: 'slow', id: '1' });
    await alice.answer('1');
    expect(recorded.calls).toEqual(['onSessionArrival', 'slow']);
  });

  it.each(['onSessionArrival', 'handleConnection'])(
    'a request-scoped gateway run at a departure also where %s of another has closed the session at once',
    async (hook) => {
      @MessagingGateway()
      class ClosingGateway {
        onSessionArrival(session: Session): Promise<void> | undefined {
          return hook === 'onSessionArrival' ? this.#refuse(session) : undefined;
        }
        handleConnection({ session }: GatewaySocket): Promise<void> | undefined {
          return hook === 'handleConnection' ? this.#refuse(session!) : undefined;
        }
        async #refuse(session: Session): Promise<void> {
          session.close(4000);
          await new Promise((resolve) => setImmediate(resolve));
          recorded.calls.push('refused');
        }
      }
      await start(ClosingGateway, ScopedGateway);
      await app.connect().then(({ closed }) => closed);
      await expect.poll(() => recorded.calls.at(-1)).toBe('handleDisconnect 2');
      expect(recorded.calls.toSorted()).toEqual([
        'afterInit 1',
        'handleConnection 2',
        'handleDisconnect 2',
        'onSessionArrival 2',
        'onSessionDeparture 2',
        'refused',
      ]);
      expect(recorded.calls.slice(-2)).toEqual(['onSessionDeparture 2', 'handleDisconnect 2']);
    },
  );

  it('other gateways run where the instance of one cannot be created', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Broken {
      constructor() {
        throw new Error('the pool is empty');
      }
    }
    @MessagingGateway()
    class BrokenGateway extends AllHooks {
      @Inject(Broken) readonly broken!: Broken;
    }
    @MessagingGateway()
    class SoundGateway {
      constructor(private readonly recorder: Recorder) {}
      onSessionArrival(): void {
        this.recorder.calls.push('sound arrival');
      }
      onSessionDeparture(): void {
        this.recorder.calls.push('sound departure');
      }
    }
    await start(Broken, BrokenGateway, SoundGateway);
    const alice = await app.connect();
    alice.send({ type: 'handled', id: '1' });
    expect((await alice.answer('1')).data.code).toBe('internal_error');
    await alice.close();
    await expect.poll(() => recorded.calls).toEqual(['sound arrival', 'sound departure']);
    expect(lines.some((line) => line.includes('the pool is empty') && line.includes('BrokenGateway'))).toBe(true);
  });
});

@MessagingGateway()
class SlowGateway implements OnSessionArrival {
  constructor(
    private readonly recorder: Recorder,
    @Inject('slow') readonly slow: unknown,
  ) {}

  onSessionArrival(): void {
    this.recorder.calls.push('onSessionArrival');
  }

  @SubscribeMessage('slow')
  handle(): void {
    this.recorder.calls.push('slow');
  }
}
