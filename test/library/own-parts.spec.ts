import {
  ArgumentsHost,
  Body,
  Catch,
  Controller,
  Get,
  Module,
  Post,
  Req,
  UseGuards,
  UsePipes,
  ValidationPipe,
  type CanActivate,
  type ExceptionFilter,
  type INestApplication,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { request as httpRequest } from 'node:http';
import { createConnection, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer as OwnServer, type Server } from 'ws';
import { MessagingGateway, SwitchboardAdapter, SwitchboardModule } from '../../src/index.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { makeCertificates } from '../support/certificates.js';
import { connect } from '../support/client.js';
import { Deferred } from '../support/deferred.js';
import { exchangeText, PLATFORMS, startHost, type HostApp } from '../support/host-app.js';
import { exchange, request } from '../support/raw-http.js';

class OrderDto {
  @IsInt()
  count!: number;
}

const calls: string[] = [];

/** A gateway of the application, which Nest serves. */
@WebSocketGateway({ path: '/orders' })
class OrdersGateway {
  @WebSocketServer() server!: Server;

  afterInit(server: Server): void {
    calls.push(`afterInit ${server === this.server}`);
  }

  handleConnection(): void {
    calls.push('handleConnection');
  }

  handleDisconnect(): void {
    calls.push('handleDisconnect');
  }

  @UsePipes(new ValidationPipe())
  @SubscribeMessage('order')
  order(@MessageBody() { count }: OrderDto): object {
    return { event: 'ordered', data: count };
  }
}

@MessagingGateway()
class DiceGateway {
  @SubscribeMessage('dice.roll')
  roll(): number {
    return 4;
  }
}

@Catch()
class HostFilter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<{
      status(code: number): { send(body: string): void };
    }>();
    response.status(418).send(`host filter: ${error.message}`);
  }
}

class Refusing implements CanActivate {
  canActivate(): boolean {
    throw new Error('refused');
  }
}

const HANDSHAKE_LINES = ['Host: localhost', ...Object.entries(HANDSHAKE).map(([name, value]) => `${name}: ${value}`)];
let slowAnswer = new Deferred();

@Controller()
class HostController {
  @Get('hello')
  hello(@Req() { headers }: IncomingMessage): { upgrade: string | undefined } {
    return { upgrade: headers.upgrade };
  }

  @Post('sum')
  sum(@Body() numbers: number[]): { sum: number } {
    return { sum: numbers.reduce((total, each) => total + each, 0) };
  }

  @Get('guarded')
  @UseGuards(Refusing)
  guarded(): void {}

  @Get('slow')
  async slow(): Promise<string> {
    await slowAnswer.promise;
    return 'slow';
  }
}

const FILTER = { provide: APP_FILTER, useClass: HostFilter };

@Module({ controllers: [HostController], providers: [FILTER] })
class PlainHostModule {}

@Module({ imports: [SwitchboardModule.forRoot(), PlainHostModule], providers: [DiceGateway] })
class WithoutGatewaysModule {}

@Module({ imports: [PlainHostModule, SwitchboardModule.forRoot()], providers: [OrdersGateway, DiceGateway] })
class WithGatewaysModule {}

describe.each(PLATFORMS)('an application on %s with gateways of Nest', (platform) => {
  let host: HostApp;
  beforeAll(async () => {
    calls.length = 0;
    host = await startHost(platform, WithGatewaysModule, (app) => {
      app.useWebSocketAdapter(new SwitchboardAdapter(app, { others: new WsAdapter(app) }));
    });
  });
  afterAll(() => host?.stop());

  it('keeps them: path, pipes, hooks, server and the form of their messages', async () => {
    const url = `ws://127.0.0.1:${host.port}/orders`;
    expect(await exchangeText(url, '{"event":"order","data":{"count":3}}')).toBe('{"event":"ordered","data":3}');
    expect(await exchangeText(url, '{"event":"order","data":{"count":"x"}}')).toContain('"event":"exception"');
    await expect.poll(() => calls).toHaveLength(5);
    expect(calls.toSorted()).toEqual([
      'afterInit true',
      'handleConnection',
      'handleConnection',
      'handleDisconnect',
      'handleDisconnect',
    ]);
  });

  it('has their types and those of Switchboard apart', async () => {
    const client = await host.connect();
    client.send({ type: 'order', id: '1' });
    expect((await client.answer('1')).data).toMatchObject({ code: 'unknown_type' });
    client.send({ type: 'dice.roll', id: '2' });
    expect((await client.answer('2')).data).toBe(4);
    await client.close();
  });

  it('has the sockets of other paths destroyed by WsAdapter, as before', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}/nowhere`);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toBe('socket hang up');
  });
});

describe.each(PLATFORMS)('an application on %s with an adapter and listeners of its own', (platform) => {
  let host: HostApp;
  const disposed: string[] = [];

  class CountingAdapter extends WsAdapter {
    override async dispose(): Promise<void> {
      disposed.push('disposed');
      await super.dispose();
    }
  }

  const echoing = (server: OwnServer): OwnServer =>
    server.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`)));
  const upgrades = (app: INestApplication, path: string): void => {
    const own = echoing(new OwnServer({ noServer: true }));
    (app.getHttpServer() as HttpServer).on('upgrade', (incoming: IncomingMessage, socket, head) => {
      if (incoming.url === path) own.handleUpgrade(incoming, socket, head, (each) => own.emit('connection', each));
      else if (incoming.url !== '/early' && incoming.url !== '/late') socket.destroy();
    });
  };

  beforeAll(async () => {
    host = await startHost(platform, WithoutGatewaysModule, (app) => {
      upgrades(app, '/early');
      app.useWebSocketAdapter(new SwitchboardAdapter(app, { others: new CountingAdapter(app) }));
      upgrades(app, '/late');
    });
  });
  afterAll(() => host?.stop());

  it.each(['/early', '/late'])('serves its upgrades at %s', async (path) => {
    expect(await exchangeText(`ws://127.0.0.1:${host.port}${path}`, 'hi')).toBe('echo hi');
  });

  it('opens sessions although its listeners destroy unknown paths', async () => {
    const [alice, bob] = [await host.connect(), await host.connect()];
    alice.send({ type: 'chat', receiver: bob.id, data: 1 });
    expect((await bob.next('chat')).data).toBe(1);
    await Promise.all([alice.close(), bob.close()]);
  });

  it('disposes the other adapter with the application', async () => {
    await host.stop();
    expect(disposed).toEqual(['disposed']);
  });
});

describe.each(PLATFORMS)('the HTTP of an application on %s', (platform) => {
  let before: HostApp;
  let after: HostApp;
  beforeAll(async () => {
    before = await startHost(platform, PlainHostModule, () => undefined);
    after = await startHost(platform, WithoutGatewaysModule);
  });
  afterAll(async () => {
    await before?.stop();
    await after?.stop();
  });

  /** Sends a request and returns status, headers without the date, and body. */
  const answer = async (
    { port }: HostApp,
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<unknown> => {
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }).end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const { date: _date, ...others } = response.headers;
    return { status: response.statusCode, headers: others, body: await text(response) };
  };
  const H2C = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
  const JSON_TYPE = { 'Content-Type': 'application/json' };

  it.each<[string, string, Record<string, string>, string?]>([
    ['GET', '/hello', {}],
    ['HEAD', '/hello', {}],
    ['OPTIONS', '/hello', {}],
    ['GET', '/nowhere', {}],
    ['GET', '/wss', {}],
    ['POST', '/wss', {}],
    ['GET', '/guarded', {}],
    ['POST', '/sum', JSON_TYPE, '[1,2,3]'],
    ['POST', '/sum', JSON_TYPE, '{"malformed'],
    ['GET', '/hello', H2C],
    ['GET', '/hello', { ...H2C, Upgrade: 'TLS/1.0', Connection: 'upgrade' }],
    ['POST', '/sum', { ...H2C, ...JSON_TYPE, 'Content-Length': '13' }, '[1,2,3,4,100]'],
    ['GET', '/wss', H2C],
    ['GET', '/hello', HANDSHAKE],
    ['GET', '/nowhere', HANDSHAKE],
  ])('%s %s with %j is answered as before', async (...parameters) => {
    expect(await answer(after, ...parameters)).toEqual(await answer(before, ...parameters));
  });

  it('reads the requests behind an upgrade that nobody takes', async () => {
    const bytes =
      request('GET /hello HTTP/1.1', ['Host: localhost', 'Connection: Upgrade', 'Upgrade: h2c']) +
      request('GET /nowhere HTTP/1.1', ['Host: localhost', 'Connection: close']);
    const { status, body } = await exchange(after.port, bytes);
    expect([status, body]).toEqual([200, expect.stringContaining('{"upgrade":"h2c"}HTTP/1.1 418 ')]);
  });

  it.each([
    ['a session', '/wss', '101 Switching Protocols'],
    ['an upgrade that nobody takes', '/nowhere', '418 '],
  ])('answers %s behind the requests before it', async (_, path, status) => {
    slowAnswer = new Deferred();
    const upgrade = request(`GET ${path} HTTP/1.1`, [...HANDSHAKE_LINES, ...(path === '/wss' ? [] : ['X-Last: 1'])]);
    const closeFrame = path === '/wss' ? Buffer.from([0x88, 0x80, 0, 0, 0, 0]) : Buffer.alloc(0);
    const last = path === '/wss' ? '' : request('GET /hello HTTP/1.1', ['Host: localhost', 'Connection: close']);
    const answered = exchange(
      after.port,
      Buffer.concat([Buffer.from(request('GET /slow HTTP/1.1', ['Host: localhost']) + upgrade + last), closeFrame]),
    );
    await ask(`${after.origin}/hello`); // the server has read the requests by then
    slowAnswer.resolve();
    const { status: first, body } = await answered;
    expect([first, body.slice(0, body.indexOf('\r\n'))]).toEqual([
      200,
      expect.stringContaining(`slowHTTP/1.1 ${status}`),
    ]);
  });
});

@Module({ imports: [SwitchboardModule.forRoot({ httpBase: '/sb', handshakeTimeoutMs: 200 }), PlainHostModule] })
class EndpointsModule {}

describe.each(PLATFORMS)('the turn of a session on %s', (platform) => {
  let host: HostApp;
  let onceCalls = 0;
  beforeAll(async () => {
    host = await startHost(platform, EndpointsModule, (app) => {
      app.useWebSocketAdapter(new SwitchboardAdapter(app));
      (app.getHttpServer() as HttpServer).once('request', () => onceCalls++);
    });
  });
  afterAll(async () => {
    slowAnswer.resolve();
    await host?.stop();
  });
  const handshake = request('GET /wss HTTP/1.1', HANDSHAKE_LINES);
  const slow = request('GET /slow HTTP/1.1', ['Host: localhost']);

  it('is behind an endpoint', async () => {
    const metrics = request('GET /sb/metrics HTTP/1.1', ['Host: localhost']);
    const closeFrame = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
    const { status, body } = await exchange(host.port, Buffer.concat([Buffer.from(metrics + handshake), closeFrame]));
    expect([status, body]).toEqual([200, expect.stringContaining('HTTP/1.1 101 Switching Protocols')]);
  });

  it('leaves a listener of the application that runs once', async () => {
    await ask(`${host.origin}/hello`);
    await ask(`${host.origin}/hello`);
    expect(onceCalls).toBe(1);
  });

  it('ends with its connection after handshakeTimeoutMs behind a response that does not end', async () => {
    slowAnswer = new Deferred();
    const socket = createConnection(host.port, '127.0.0.1').resume();
    socket.write(slow + handshake);
    await once(socket, 'close');
    slowAnswer.resolve();
  });

  it('ends with the application', async () => {
    slowAnswer = new Deferred();
    const waiting = await startHost(platform, WithoutGatewaysModule);
    const socket = createConnection(waiting.port, '127.0.0.1').resume();
    const closed = once(socket, 'close');
    socket.write(slow + handshake);
    await ask(`${waiting.origin}/hello`); // the server has read the requests by then
    await waiting.stop();
    await closed;
    slowAnswer.resolve();
  });
});

describe('an application that speaks TLS', () => {
  it('opens sessions, and answers upgrades that nobody takes as before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-library-'));
    await makeCertificates(folder);
    const [cert, key, ca] = ['server.crt', 'server.key', 'ca.crt'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    );
    const app = await NestFactory.create(WithoutGatewaysModule, {
      httpsOptions: { cert: cert!, key: key! },
      logger: false,
    });
    app.useWebSocketAdapter(new SwitchboardAdapter(app));
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as HttpServer).address() as AddressInfo;
    await (await connect(`wss://localhost:${port}/wss`, { ca: ca!, family: 4 })).close();
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const { status, body } = await ask(`https://localhost:${port}/hello`, { ca: ca!, family: 4, headers });
    expect([status, body]).toEqual([200, '{"upgrade":"h2c"}']);
    await app.close();
    await rm(folder, { recursive: true });
  });
});

describe('inject() of Fastify', () => {
  it('answers routes of the application', async () => {
    const host = await startHost('fastify', WithoutGatewaysModule);
    const fastify = host.app.getHttpAdapter().getInstance() as {
      inject(path: string): Promise<{ statusCode: number; body: string }>;
    };
    const { statusCode, body } = await fastify.inject('/hello');
    expect([statusCode, body]).toEqual([200, '{}']);
    await host.stop();
  });
});
