import { Module, type Type } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocketServer as Server } from 'ws';
import { MessagingGateway, StartError } from '../../src/index.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

/** Decorates a class as a gateway of Nest, with parameters that its types may not allow. */
function gateway(...parameters: readonly unknown[]): ClassDecorator {
  const decorate: (...all: readonly never[]) => ClassDecorator = WebSocketGateway;
  return decorate(...(parameters as readonly never[]));
}

interface Calls {
  init: number;
  connected: number;
  /** The reasons that `handleDisconnect` got. */
  readonly gone: unknown[];
}

/** Makes a gateway class that records the calls of its hooks. */
function recording(name: string, ...parameters: readonly unknown[]): { metatype: Type; calls: Calls } {
  const calls: Calls = { init: 0, connected: 0, gone: [] };
  @gateway(...parameters)
  class RecordingGateway {
    @WebSocketServer() server!: Server;

    afterInit(): void {
      calls.init++;
    }
    handleConnection(): void {
      calls.connected++;
    }
    handleDisconnect(_: unknown, reason: unknown): void {
      calls.gone.push(reason);
    }
  }
  SubscribeMessage(name)(
    RecordingGateway.prototype,
    'afterInit',
    Object.getOwnPropertyDescriptor(RecordingGateway.prototype, 'afterInit')!,
  );
  Object.defineProperty(RecordingGateway, 'name', { value: name });
  return { metatype: RecordingGateway, calls };
}

function moduleOf(...providers: Type[]): Type {
  @Module({ providers })
  class HandlersModule {}
  return HandlersModule;
}

describe('a gateway', () => {
  let server: TestServer | undefined;
  const lines = keepLogLines();
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  const start = async (...providers: Type[]): Promise<TestServer> =>
    (server = await startServer({ LOG_LEVEL: 'warn' }, [moduleOf(...providers)]));

  it.each<[string, readonly unknown[]]>([
    ['no options', []],
    ['a namespace', [{ namespace: 'chat' }]],
    ['a namespace that is a pattern', [{ namespace: /^\/room-/ }]],
    ['a path', [{ path: '/chat' }]],
    ['the path of the server', [{ path: '/wss' }]],
    ['a port', [8081]],
    ['a port and a path', [8081, { path: '/chat' }]],
    ['a port that is a string', ['8081']],
    ['a path and a namespace', [{ path: '/chat', namespace: 'chat' }]],
    ['cross-origin rules', [{ cors: true }]],
    ['a maximum payload', [{ maxPayload: 100 }]],
    ['transports', [{ transports: ['websocket'] }]],
    ['options of socket.io', [{ pingInterval: 5, cookie: false, allowEIO3: true }]],
    ['null', [null]],
  ])('with %s is served, and its hooks run once for each connection and each end', async (_, parameters) => {
    const { metatype, calls } = recording('chat.hi', ...parameters);
    const started = await start(metatype);
    const [first, second, third] = [await started.connect(), await started.connect(), await started.connect()];
    first.send({ type: 'chat.hi', id: '1' });
    expect((await first.answer('1')).type).toBe('sys.ack');
    await first.close(1000);
    await second.close();
    third.terminate();
    await expect.poll(() => calls.gone).toEqual([1000, 1005, 1006]);
    expect(calls).toMatchObject({ init: 2, connected: 3 }); // once by Nest, once by the message
  });

  it.each([
    [0, 1, 2, 3, 4, 5],
    [5, 4, 3, 2, 1, 0],
    [2, 0, 4, 1, 5, 3],
  ])(
    'beside others with other paths, ports and namespaces has hooks of its own (order %i %i %i %i %i %i)',
    async (...order) => {
      const all = [[], [{ namespace: 'chat' }], [{ path: '/chat' }], [8081], [8081, { path: '/chat' }], []].map(
        (parameters, index) => recording(`chat.${index}`, ...parameters),
      );
      const started = await start(...order.map((index) => all[index]!.metatype));
      const [first, second] = [await started.connect(), await started.connect()];
      await first.close(4001);
      await second.close(4002);
      await expect.poll(() => all.map(({ calls }) => calls.gone)).toEqual(all.map(() => [4001, 4002]));
      expect(all.map(({ calls }) => [calls.init, calls.connected])).toEqual(all.map(() => [1, 2]));
    },
  );

  it('is in a line of the log that names each option without effect and the setting to use', async () => {
    @WebSocketGateway(8081, { path: '/chat', namespace: 'chat', cors: true, maxPayload: 100 })
    class ChatGateway {}
    @WebSocketGateway({ path: 'wss/', transports: ['websocket'] })
    class QuietGateway {}
    await start(ChatGateway, QuietGateway, moduleOf(ChatGateway));
    const warnings = lines.filter((line) => line.includes('Gateway'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(
      'ChatGateway: gateway options have no effect, because all gateways share /wss: port 8081 (use PORT), path "/chat" (use WS_PATH), namespace "chat" (use message types), cors true (use ALLOWED_ORIGINS), maxPayload 100 (use MAX_MESSAGE_BYTES)',
    );
    expect(warnings[0]).toMatch(/ warn /);
  });

  it('is in the log of a second start as well', async () => {
    @WebSocketGateway({ path: '/chat' })
    class ChatGateway {}
    await start(ChatGateway);
    await server!.stop();
    await start(ChatGateway);
    expect(lines.filter((line) => line.includes('path "/chat"'))).toHaveLength(2);
  });

  it('that inherits its options is in the log also after a start of its base class', async () => {
    @WebSocketGateway(8081, { path: '/chat' })
    class BaseGateway {}
    class DerivedGateway extends BaseGateway {}
    await start(BaseGateway);
    await server!.stop();
    await start(DerivedGateway);
    expect(lines.filter((line) => line.includes('DerivedGateway: gateway options'))).toHaveLength(1);
  });

  it('is served without a listener of Nest for each connection', async () => {
    let given: Server | undefined;
    @MessagingGateway()
    class QuietGateway {
      afterInit(wsServer: Server): void {
        given = wsServer;
      }
    }
    await start(QuietGateway, recording('chat', { path: '/chat' }).metatype);
    expect(given!.listenerCount('connection')).toBe(0);
  });

  it.each(['verifyClient', 'allowRequest'])(
    'whose option %s would decide about connections ends the start',
    async (name) => {
      @gateway({ [name]: () => false })
      class GuardedGateway {
        @SubscribeMessage('sys.wrong')
        wrong(): void {}
      }
      const error = await start(GuardedGateway).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StartError);
      expect((error as StartError).lines).toEqual([
        `GuardedGateway: the option ${name} would never be called; use AUTH, ALLOWED_ORIGINS or a ConnectGuard`,
        expect.stringMatching(/^GuardedGateway\.wrong /) as string,
      ]);
    },
  );

  it('among thirty with hooks and listeners of their own causes no warning about listeners', async () => {
    const warnings: string[] = [];
    const record = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    process.on('warning', record);
    let gone = 0;
    const classes = Array.from({ length: 30 }, (_, index) => {
      @MessagingGateway()
      class OneOfManyGateway {
        afterInit(wsServer: Server): void {
          wsServer.on('connection', () => undefined);
        }
        handleConnection(client: NodeJS.EventEmitter): void {
          client.on('close', () => undefined);
          client.on('message', () => undefined);
        }
        handleDisconnect(): void {
          gone++;
        }
        @SubscribeMessage(`many.${index}`)
        handle(): number {
          return index;
        }
      }
      return OneOfManyGateway;
    });
    const started = await start(...classes);
    const client = await started.connect();
    client.send({ type: 'many.29', id: '1' });
    expect((await client.answer('1')).data).toBe(29);
    await client.close();
    await expect.poll(() => gone).toBe(30);
    process.emitWarning('the last one');
    await once(process, 'warning');
    process.off('warning', record);
    expect(warnings).toEqual(['Warning: the last one']);
  });
});
