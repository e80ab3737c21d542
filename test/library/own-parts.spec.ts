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
import type { IncomingHttpHeaders, IncomingMessage, Server as HttpServer } from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import { connect as openConnection, type AddressInfo } from 'node:net';
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
import { request } from '../support/raw-http.js';

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
  hello(@Req() { headers }: IncomingMessage): Pick<IncomingHttpHeaders, 'connection' | 'upgrade'> {
    return { connection: headers.connection, upgrade: headers.upgrade };
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

  /** Writes bytes on one connection and returns all that the server has written by its answer to a later request. */
  const written = async ({ port, origin }: HostApp, bytes: string): Promise<string> => {
    const socket = openConnection({ host: '127.0.0.1', port, allowHalfOpen: true });
    let answers = '';
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString()));
    socket.write(bytes);
    for (let count = 0; count < 2; count++) await ask(`${origin}/hello`);
    socket.end();
    await once(socket, 'close');
    return answers.replaceAll(/^date: .*\r\n/gim, '');
  };
  const H2C_LINES = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: h2c'];
  const MANY_HEADERS = Array.from({ length: 1100 }, () => 'a:');
  const INNER = request('GET /guarded HTTP/1.1', ['Host: localhost']);

  it.each<[string, string]>([
    ['a request behind an upgrade that nobody takes', request('GET /hello HTTP/1.1', H2C_LINES) + INNER],
    [
      'a body behind more headers than Node keeps',
      request('POST /hello HTTP/1.1', [...H2C_LINES, ...MANY_HEADERS, `Content-Length: ${INNER.length}`]) + INNER,
    ],
    [
      'a chunked body behind more headers than Node keeps',
      `${request('POST /hello HTTP/1.1', [...H2C_LINES, ...MANY_HEADERS, 'Transfer-Encoding: chunked'])}0\r\n\r\n`,
    ],
    ['CONNECT', request('CONNECT localhost:1 HTTP/1.1', ['Host: localhost'])],
  ])('answers %s as before', async (_, bytes) => {
    expect(await written(after, bytes)).toBe(await written(before, bytes));
  });

  it('emits one connection for requests that nobody takes as upgrades', async () => {
    const connections: number[] = [];
    for (const { app, port } of [before, after]) {
      let count = 0;
      const onConnection = (): void => void count++;
      app.getHttpServer().on('connection', onConnection);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let index = 0; index < 3; index++) {
        const sent = httpRequest({ host: '127.0.0.1', port, path: '/hello', headers: H2C, agent }).end();
        const [response] = (await once(sent, 'response')) as [IncomingMessage];
        await text(response);
      }
      agent.destroy();
      app.getHttpServer().off('connection', onConnection);
      connections.push(count);
    }
    expect(connections[1]).toBe(connections[0]);
  });

  it('answers an upgrade behind a request without its response as a plain request', async () => {
    slowAnswer = new Deferred();
    const socket = openConnection({ host: '127.0.0.1', port: after.port });
    let answers = '';
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString()));
    socket.write(request('GET /slow HTTP/1.1', ['Host: localhost']) + request('GET /wss HTTP/1.1', HANDSHAKE_LINES));
    await ask(`${after.origin}/hello`); // the server has read the requests by then
    expect(answers).toBe('');
    slowAnswer.resolve();
    await expect.poll(() => answers).toMatch(/^HTTP\/1\.1 200 [^]*slowHTTP\/1\.1 418 /);
    socket.destroy();
  });

  it('closes at once although a client has sent an upgrade behind a request that is never answered', async () => {
    slowAnswer = new Deferred();
    const host = await startHost(platform, WithoutGatewaysModule);
    const socket = openConnection({ host: '127.0.0.1', port: host.port });
    socket.write(request('GET /slow HTTP/1.1', ['Host: localhost']) + request('GET /wss HTTP/1.1', HANDSHAKE_LINES));
    await ask(`${host.origin}/hello`);
    socket.end();
    await once(socket, 'close');
    await host.stop();
    slowAnswer.resolve();
  });
});

@Module({ imports: [SwitchboardModule.forRoot({ httpBase: '/sb' }), PlainHostModule] })
class EndpointsModule {}

describe.each(PLATFORMS)('endpoints in front of an application on %s', (platform) => {
  let host: HostApp;
  let onceCalls = 0;
  beforeAll(async () => {
    host = await startHost(platform, EndpointsModule, (app) => {
      app.useWebSocketAdapter(new SwitchboardAdapter(app));
      (app.getHttpServer() as HttpServer).once('request', () => onceCalls++);
    });
  });
  afterAll(() => host?.stop());

  it('are answered before an upgrade behind them, which is a plain request', async () => {
    const socket = openConnection({ host: '127.0.0.1', port: host.port });
    let answers = '';
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString()));
    socket.write(
      request('GET /sb/metrics HTTP/1.1', ['Host: localhost']) + request('GET /wss HTTP/1.1', HANDSHAKE_LINES),
    );
    await expect.poll(() => answers).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 418 /);
    socket.destroy();
  });

  it('leave a listener of the application that runs once', async () => {
    await ask(`${host.origin}/hello`);
    await ask(`${host.origin}/hello`);
    expect(onceCalls).toBe(1);
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
    expect([status, JSON.parse(body)]).toEqual([200, { connection: 'Upgrade', upgrade: 'h2c' }]);
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
