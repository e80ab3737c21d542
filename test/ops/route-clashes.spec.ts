import { All, Controller, Get, Module, Post, Version, VersioningType, type Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp, SettingsError, startApp } from '../../src/index.js';
import { ask } from '../support/ask.js';
import { keepLogLines } from '../support/log-lines.js';
import { exchange } from '../support/raw-http.js';
import { LIMITS_OFF } from '../support/server.js';

const KEYS = { API_KEYS: 'a-key-of-many-characters-indeed' };

/** Makes a module with one controller, which has one route. */
function moduleOf(path: string, method: (path?: string) => MethodDecorator, version?: string): Type {
  @Controller()
  class OneController {
    @Version(version ?? [])
    @method(path)
    answer(): string {
      return 'of the application';
    }
  }
  @Module({ controllers: [OneController] })
  class OneModule {}
  return OneModule;
}

type Prepare = (app: NestExpressApplication) => void;
let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function start(module: Type, variables: Record<string, string> = {}, prepare?: Prepare): Promise<string> {
  const all = { HOST: '127.0.0.1', PORT: '0', ...LIMITS_OFF, ...variables };
  const app = await createApp({ variables: all, handlers: [module] });
  close = () => app.close();
  prepare?.(app);
  return `http://127.0.0.1:${await startApp(app)}`;
}

describe('a route of the application at a path of the server', () => {
  const lines = keepLogLines();

  it.each([
    ['GET', '/', Get, 'HTTP_BASE or CONSOLE=off'],
    ['GET', '/console/:file', Get, 'HTTP_BASE or CONSOLE=off'],
    ['GET', '/docs', Get, 'HTTP_BASE or DOCS=off'],
    ['GET', '/DOCS', Get, 'HTTP_BASE or DOCS=off'],
    ['GET', '/asyncapi.json', Get, 'HTTP_BASE or DOCS=off'],
    ['GET', '/health/live', Get, 'HTTP_BASE'],
    ['GET', '/metrics', Get, 'HTTP_BASE'],
    ['GET', '/client.js', Get, 'HTTP_BASE'],
    ['POST', '/api/v1/orders', Post, 'HTTP_BASE'],
  ])('ends the start: %s %s', async (name, path, method, remedy) => {
    const started = start(moduleOf(path, method), KEYS);
    await expect(started).rejects.toThrow(SettingsError);
    await expect(started).rejects.toThrow(
      `${name} ${path} of the application is a path of the server: choose another path, or set ${remedy}`,
    );
  });

  it('ends the start at WS_PATH, for every method', async () => {
    await expect(start(moduleOf('/wss', All))).rejects.toThrow('ALL /wss of the application is WS_PATH');
  });

  it('ends the start where a prefix, a version or an OpenAPI page makes the path', async () => {
    const prefixed = start(moduleOf('/live', Get), {}, (app) => void app.setGlobalPrefix('health'));
    await expect(prefixed).rejects.toThrow('GET /health/live of the application');
    await close?.();
    const versioned = start(moduleOf('/orders', Get, '1'), KEYS, (app) =>
      app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    );
    await expect(versioned).rejects.toThrow('GET /api/v1/orders of the application');
    await close?.();
    const documented = start(moduleOf('/orders', Get), {}, (app) =>
      SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, new DocumentBuilder().build())),
    );
    await expect(documented).rejects.toThrow('GET /docs of the application');
  });

  it.each([
    ['/', { CONSOLE: 'off' }],
    ['/docs', { DOCS: 'off' }],
    ['/api/v1/orders', {}],
    ['/health/live', { HTTP_BASE: '/chat' }],
    ['/', { HTTP_BASE: '/chat' }],
    ['/health/mine', {}],
  ])('is served where the settings free %s (%j)', async (path, variables) => {
    const origin = await start(moduleOf(path, Get), variables);
    expect((await ask(origin + path)).body).toBe('of the application');
  });

  it('is served for another method', async () => {
    const origin = await start(moduleOf('/health/live', Post));
    expect((await ask(`${origin}/health/live`, { method: 'POST' })).body).toBe('of the application');
  });

  it('gets the preflight of CORS for another method', async () => {
    const origin = await start(moduleOf('/health/live', Post), KEYS, (app) =>
      app.enableCors({ origin: 'https://team.example' }),
    );
    const headers = { Origin: 'https://team.example', 'Access-Control-Request-Method': 'POST' };
    const preflight = await ask(`${origin}/health/live`, { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, headers.Origin]);
    expect((await ask(`${origin}/api/v1/messages`, { method: 'OPTIONS', headers })).status).toBe(401);
  });

  it.each(['/{$&}', `/${'{a}'.repeat(30)}`, '/*', '/:page', '/%ff', '*'])(
    'takes no path of a client for a pattern: OPTIONS %s',
    async (path) => {
      const origin = await start(moduleOf('/about', Get));
      const head = `OPTIONS ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      expect((await exchange(Number(new URL(origin).port), head)).status).toBeLessThan(500);
      expect((await ask(`${origin}/about`)).body).toBe('of the application');
    },
  );

  it('is logged where a parameter loses only some paths', async () => {
    const origin = await start(moduleOf('/:page', Get));
    expect((await ask(`${origin}/about`)).body).toBe('of the application');
    expect(lines.join('')).toMatch(/some paths of a route.*route="?GET \/:page.*\/wss.*\/client\.js.*\/metrics/);
  });

  it.each([
    ['/docs/*path', '/docs/:name'],
    ['/docs{/:name}', '/docs'],
    ['/{:page}', '/client.js'],
    ['/wss{/:room}', '/wss'],
  ])('is logged where the pattern %s loses only some paths', async (path, endpoint) => {
    await start(moduleOf(path, Get));
    const line = lines.find((each) => each.includes('some paths of a route'));
    expect(line).toContain(endpoint);
  });

  it.each([
    [{ WS_PATH: '/chat', HTTP_BASE: '/chat' }, 'HTTP_BASE or CONSOLE=off'],
    [{ WS_PATH: '/docs' }, 'HTTP_BASE or DOCS=off'],
    [{ WS_PATH: '/metrics' }, 'HTTP_BASE'],
  ])('ends the start where WS_PATH hides an endpoint: %j', async (variables, remedy) => {
    const started = start(moduleOf('/mine', Get), variables);
    await expect(started).rejects.toThrow(SettingsError);
    await expect(started).rejects.toThrow(`WS_PATH is a path of the server: choose another path, or set ${remedy}`);
  });

  it('ends no start where WS_PATH is the path of an endpoint that is off', async () => {
    const origin = await start(moduleOf('/mine', Get), { WS_PATH: '/docs', DOCS: 'off' });
    expect((await ask(`${origin}/mine`)).body).toBe('of the application');
  });

  it('gives way without a line where it is a wildcard', async () => {
    const origin = await start(moduleOf('*path', Get));
    expect((await ask(`${origin}/docs`)).body).toContain('Switchboard protocol');
    expect((await ask(`${origin}/any/where`)).body).toBe('of the application');
    expect(lines.join('')).not.toContain('some paths');
  });
});
