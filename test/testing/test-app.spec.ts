import { Controller, Get, Logger, Module } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { SwitchboardAdapter, SwitchboardModule } from '../../src/index.js';
import { startTestApp, type TestServer } from '../../src/testing/start.js';
import { exchangeText } from '../support/host-app.js';
import { Dice, DiceModule } from './dice.gateway.js';

const SECRET = 'a secret of at least thirty-two bytes';

@Controller('hello')
class HelloController {
  readonly #logger = new Logger('Hello');

  @Get()
  hello(): string {
    this.#logger.log('hello was read');
    return 'hello';
  }
}

@WebSocketGateway({ path: '/plain' })
class PlainGateway {
  @SubscribeMessage('echo')
  echo(): { event: string; data: string } {
    return { event: 'echo', data: 'plain' };
  }
}

@Module({
  imports: [SwitchboardModule.forRoot({ wsPath: '/chat', auth: 'optional', authSecret: SECRET }), DiceModule],
  controllers: [HelloController],
  providers: [PlainGateway],
})
class HostModule {}

@Module({ controllers: [HelloController] })
class ForeignModule {}

describe.each([
  ['Express', () => ({})],
  ['Fastify', () => ({ httpAdapter: new FastifyAdapter() })],
])('a test application on %s', (_, adapter) => {
  let server: TestServer | undefined;
  afterEach(() => server?.stop());

  const options = () => ({
    ...adapter(),
    module: HostModule,
    // The repository has Socket.IO for other tests, which would be Nest's own choice.
    configure: (app: TestServer['app']) =>
      app.useWebSocketAdapter(new SwitchboardAdapter(app, { others: new WsAdapter(app) })).setGlobalPrefix('api'),
  });

  it('serves sessions beside its controllers and its own gateways', async () => {
    server = await startTestApp(options());
    expect(server.url).toBe(`ws://127.0.0.1:${server.port}/chat`);
    const ann = await server.connect({ user: 'ann' });
    expect(await ann.request('dice.user')).toEqual({ user: 'ann' });
    expect(await (await fetch(`${server.httpUrl}/api/hello`)).text()).toBe('hello');
    const plain = await exchangeText(`ws://127.0.0.1:${server.port}/plain`, '{"event":"echo"}');
    expect(JSON.parse(plain)).toEqual({ event: 'echo', data: 'plain' });
  });

  it('replaces providers', async () => {
    const dice = { roll: () => 4 };
    server = await startTestApp({
      ...options(),
      override: (builder) => builder.overrideProvider(Dice).useValue(dice),
    });
    expect(await (await server.connect()).request('dice.roll', { sides: 6 })).toEqual({ rolled: 4 });
    expect(server.app.get(Dice, { strict: false })).toBe(dice);
  });

  it('closes where its configuration fails, or where it is no application of Switchboard', async () => {
    const closed: string[] = [];
    const pool = { onModuleDestroy: () => void closed.push('pool') };
    const faulty = startTestApp({
      ...adapter(),
      module: { module: HostModule, providers: [{ provide: 'POOL', useValue: pool }] },
      configure: () => {
        throw new Error('no such prefix');
      },
    });
    await expect(faulty).rejects.toThrow('no such prefix');
    expect(closed).toEqual(['pool']);
    const foreign = startTestApp({
      ...adapter(),
      module: { module: ForeignModule, providers: [{ provide: 'POOL', useValue: pool }] },
      configure: () => undefined,
    });
    await expect(foreign).rejects.toThrow('needs SwitchboardModule.forRoot() in the imports of a module');
    expect(closed).toEqual(['pool', 'pool']);
  });

  it('keeps the log of the application', async () => {
    server = await startTestApp(options());
    await fetch(`${server.httpUrl}/api/hello`);
    expect(server.log).toContainEqual({ level: 'info', message: 'hello was read', fields: { from: 'Hello' } });
  });
});
