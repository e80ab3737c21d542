import { Controller, Get, Module, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { lookup } from 'node:dns/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SwitchboardAdapter, SwitchboardModule } from '../../src/index.js';
import { ask } from '../support/ask.js';
import { Browser } from '../support/browser.js';
import { connect } from '../support/client.js';
import { ConsolePage } from '../support/console-page.js';
import { startForeignNginx } from '../support/foreign-nginx.js';
import { createHost, PLATFORMS, startHost, type HostApp } from '../support/host-app.js';

class RefuseAll implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getHandler().name === 'open';
  }
}

@Controller('switchboard')
class HostController {
  @Get('own')
  open(): string {
    return 'of the application';
  }
}

const KEY = 'a-key-of-sixteen-characters';

@Module({
  imports: [SwitchboardModule.forRoot({ httpBase: '/switchboard', apiKeys: KEY })],
  controllers: [HostController],
  providers: [{ provide: APP_GUARD, useClass: RefuseAll }],
})
class HostModule {}

describe.each(PLATFORMS)('the endpoints below httpBase on %s', (platform) => {
  let host: HostApp;
  beforeAll(async () => {
    host = await startHost(platform, HostModule, (app) => {
      app.setGlobalPrefix('v1', { exclude: ['switchboard/*path'] });
      app.useWebSocketAdapter(new SwitchboardAdapter(app));
    });
  });
  afterAll(() => host?.stop());

  it.each([
    ['/switchboard/health/live', 'application/json; charset=utf-8'],
    ['/switchboard/health/ready', 'application/json; charset=utf-8'],
    ['/switchboard/metrics', 'text/plain; version=0.0.4; charset=utf-8'],
    ['/switchboard/client.js', 'text/javascript; charset=utf-8'],
    ['/switchboard/asyncapi.json', 'application/json; charset=utf-8'],
    ['/switchboard/', 'text/html; charset=utf-8'],
    ['/switchboard/console/base.css', 'text/css; charset=utf-8'],
    ['/Switchboard/health/live', 'application/json; charset=utf-8'],
  ])('serve %s past the guards of the application', async (path, type) => {
    const { status, headers } = await ask(host.origin + path);
    expect([status, headers['content-type']]).toEqual([200, type]);
  });

  it('name the WebSocket endpoint relative to httpBase, which a proxy may have below a path of its own', async () => {
    const front = await startForeignNginx({ '/site/': `proxy_pass ${host.origin}/` });
    const browser = await Browser.start();
    const opened = await ConsolePage.open(browser, front.origin, '/site/switchboard/');
    await opened.connected();
    expect([...new Set(opened.sockets)]).toEqual(['/site/wss']);
    await opened.close();
    await browser.stop();
    await front.stop();
  });

  it('serve every address of localhost', async () => {
    const { app } = await createHost(platform, HostModule);
    app.useWebSocketAdapter(new SwitchboardAdapter(app));
    await app.listen(0, 'localhost');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    // Fastify listens on every address of the name, and Express on the first one.
    const found = await lookup('localhost', { all: true, verbatim: true });
    const addresses = found.map(({ address, family }) => (family === 6 ? `[${address}]` : address));
    for (const address of platform === 'fastify' ? addresses : addresses.slice(0, 1)) {
      const origin = `${address}:${port}`;
      expect((await ask(`http://${origin}/switchboard/health/live`)).status).toBe(200);
      await (await connect(`ws://${origin}/wss`)).close();
    }
    await app.close();
  });

  it('serve the HTTP API', async () => {
    const client = await host.connect();
    const answer = await ask(`${host.origin}/switchboard/api/v1/sessions`, {
      headers: { Authorization: `Bearer ${KEY}` },
    });
    expect(JSON.parse(answer.body)).toMatchObject({ sessions: [{ id: client.id }] });
    await client.close();
  });

  it('leave other paths to the application', async () => {
    expect(await ask(`${host.origin}/switchboard/own`)).toMatchObject({ status: 200, body: 'of the application' });
    expect((await ask(`${host.origin}/switchboard/nowhere`)).status).toBe(404);
    expect((await ask(`${host.origin}/switchboards`)).status).toBe(404);
    expect((await ask(`${host.origin}/health/live`)).status).toBe(404);
  });
});

@Module({ imports: [SwitchboardModule.forRoot({ apiKeys: KEY })] })
class KeysModule {}

it('leaves the options of NestFactory with httpBase as the application set them', async () => {
  const logger = { log() {}, warn() {}, error() {} };
  const app = await NestFactory.create(HostModule, { logger, autoFlushLogs: false });
  const before = Object.entries(NestFactory);
  await app.init();
  expect(Object.entries(NestFactory)).toEqual(before);
  await app.close();
});

describe.each(PLATFORMS)('keys of the HTTP API without httpBase on %s', (platform) => {
  it('are named in the log', async () => {
    const host = await startHost(platform, KeysModule);
    expect(host.lines).toContain(
      'warn [Switchboard] no HTTP API is served: apiKeys needs httpBase, such as /switchboard',
    );
    await host.stop();
  });
});
