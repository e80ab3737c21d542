import { Body, Controller, Get, Injectable, Module, Post, Scope } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketServer } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from 'ws';
import {
  MessageError,
  MessagingGateway,
  Sender,
  Switchboard,
  SwitchboardModule,
  type OnSessionArrival,
  type OnSessionDeparture,
  type Session,
} from '../../src/index.js';
import { HANDSHAKE, ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { PLATFORMS, startHost, type HostApp } from '../support/host-app.js';

class DiceDto {
  @IsInt()
  sides!: number;
}

const calls: string[] = [];

@MessagingGateway()
class DiceGateway implements OnSessionArrival, OnSessionDeparture {
  @WebSocketServer() server!: Server;

  constructor(private readonly switchboard: Switchboard) {}

  afterInit(server: Server): void {
    calls.push(`afterInit ${server === this.server}`);
  }

  onModuleInit(): void {
    calls.push('onModuleInit');
  }

  onSessionArrival(session: Session): void {
    calls.push(`arrival ${this.switchboard.find(session.id) === session}`);
  }

  onSessionDeparture(_: Session, code: number): void {
    calls.push(`departure ${code}`);
  }

  @SubscribeMessage('dice.roll')
  roll(@MessageBody() { sides }: DiceDto): { rolled: number } {
    if (sides < 1) throw new MessageError('no_sides', 'A die has sides.');
    return { rolled: sides };
  }
}

@Injectable({ scope: Scope.REQUEST })
@MessagingGateway()
class CountGateway {
  #count = 0;

  @SubscribeMessage('count.next')
  next(): number {
    return ++this.#count;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
@MessagingGateway()
class EchoGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() body: unknown, @Sender() session: Session): unknown {
    return { body, from: session.id };
  }
}

@Controller()
class HostController {
  constructor(private readonly switchboard: Switchboard) {}

  @Get('sessions-here')
  count(): { total: number } {
    return { total: this.switchboard.list().total };
  }

  @Post('sum')
  sum(@Body() numbers: number[]): { sum: number } {
    return { sum: numbers.reduce((total, each) => total + each, 0) };
  }
}

@Module({ controllers: [HostController], providers: [DiceGateway, CountGateway, EchoGateway] })
class HostModule {}

@Module({ imports: [SwitchboardModule.forRoot({ heartbeatMs: 5000 }), HostModule] })
class LibraryModule {}

@Module({ providers: [{ provide: 'heartbeat', useValue: 7000 }], exports: ['heartbeat'] })
class ConfigModule {}

@Module({
  imports: [
    SwitchboardModule.forRootAsync({
      imports: [ConfigModule],
      inject: ['heartbeat'],
      useFactory: async (heartbeatMs: number) => ({ heartbeatMs, wsPath: '/live' }),
    }),
    HostModule,
  ],
})
class AsyncModule {}

describe.each(PLATFORMS)('an application of Nest on %s with Switchboard as a library', (platform) => {
  let host: HostApp;
  beforeAll(async () => {
    calls.length = 0;
    host = await startHost(platform, LibraryModule);
  });
  afterAll(() => host?.stop());

  it('opens sessions and carries messages between them', async () => {
    const [alice, bob] = [await host.connect(), await host.connect()];
    expect(alice.welcome.data).toMatchObject({ heartbeatMs: 5000 });
    alice.send({ type: 'chat', receiver: bob.id, data: 'hello' });
    expect(await bob.next('chat')).toMatchObject({ sender: alice.id, data: 'hello' });
    await alice.close();
    expect(await bob.next('sys.departed')).toMatchObject({ sender: alice.id, data: { code: 1005 } });
    await bob.close();
  });

  it('runs its gateways with checked bodies, hooks and the server', async () => {
    const client = await host.connect();
    client.send({ type: 'dice.roll', id: '1', data: { sides: 6 } });
    expect((await client.answer('1')).data).toEqual({ rolled: 6 });
    client.send({ type: 'dice.roll', id: '2', data: { sides: 'six' } });
    expect((await client.answer('2')).data).toMatchObject({ code: 'invalid_message' });
    client.send({ type: 'dice.roll', id: '3', data: { sides: 0 } });
    expect((await client.answer('3')).data).toMatchObject({ code: 'no_sides' });
    await client.close(1000);
    await expect.poll(() => calls.at(-1)).toBe('departure 1000');
    expect(calls.slice(0, 3)).toEqual(['afterInit true', 'onModuleInit', 'arrival true']);
  });

  it('runs scoped and transient gateways', async () => {
    const [first, second] = [await host.connect(), await host.connect()];
    for (const [client, id, count] of [
      [first, '1', 1],
      [first, '2', 2],
      [second, '1', 1],
    ] as const) {
      client.send({ type: 'count.next', id });
      expect((await client.answer(id)).data).toBe(count);
    }
    first.send({ type: 'echo', id: '3', data: [1] });
    expect((await first.answer('3')).data).toEqual({ body: [1], from: first.id });
    await Promise.all([first.close(), second.close()]);
  });

  it('keeps its own routes, and injects Switchboard into them', async () => {
    const client = await host.connect();
    const { status, body } = await ask(`${host.origin}/sessions-here`);
    expect([status, JSON.parse(body)]).toEqual([200, { total: 1 }]);
    await client.close();
  });

  it('answers /wss and the paths of the endpoints as any unknown path', async () => {
    for (const path of ['/wss', '/', '/health/live', '/metrics', '/client.js', '/docs', '/api/v1/stats']) {
      const { status, body } = await ask(host.origin + path);
      expect([path, status, JSON.parse(body)]).toEqual([
        path,
        404,
        { message: `Cannot GET ${path}`, error: 'Not Found', statusCode: 404 },
      ]);
    }
  });

  it('rejects a bad handshake at /wss with the reason', async () => {
    const headers = { ...HANDSHAKE, 'Sec-WebSocket-Key': 'short' };
    const { status, body } = await ask(`${host.origin}/wss`, { headers });
    expect([status, body]).toEqual([400, expect.stringContaining('Sec-WebSocket-Key is missing or malformed.')]);
  });

  it('logs to the logger of Nest with the context Switchboard', async () => {
    await ask(`${host.origin}/wss`, { headers: { ...HANDSHAKE, Origin: 'https://evil.example' } });
    const reason = 'reason="https://evil.example is not in ALLOWED_ORIGINS"';
    expect(host.lines).toContain(
      `log [Switchboard] handshake refused  code=origin_not_allowed ${reason} address=127.0.0.1`,
    );
  });
});

describe.each(PLATFORMS)('app.close() on %s', (platform) => {
  it('asks the sessions to reconnect and closes them with 1012', async () => {
    const host = await startHost(platform, LibraryModule);
    const client = await host.connect();
    const stopped = host.stop();
    expect((await client.next('sys.reconnect')).type).toBe('sys.reconnect');
    expect((await client.closed).code).toBe(1012);
    await stopped;
    expect(host.lines.filter((line) => line.includes('[Switchboard]'))).toEqual([
      expect.stringMatching(/\[Switchboard\] draining {2}sessions=1$/) as string,
      expect.stringMatching(/\[Switchboard\] closed {2}code=1012 session=/) as string,
      expect.stringMatching(/\[Switchboard\] drained {2}sessions=1 cut=0 tookMs=\d+$/) as string,
    ]);
  });
});

describe.each(PLATFORMS)('forRootAsync on %s', (platform) => {
  it('takes options of injected providers', async () => {
    const host = await startHost(platform, AsyncModule);
    const client = await connect(`ws://127.0.0.1:${host.port}/live`);
    expect(client.welcome.data).toMatchObject({ heartbeatMs: 7000 });
    await client.close();
    await host.stop();
  });
});
