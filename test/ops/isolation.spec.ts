import {
  Catch,
  Controller,
  Get,
  Module,
  Query,
  UnauthorizedException,
  VersioningType,
  type ArgumentMetadata,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type MiddlewareConsumer,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { SubscribeMessage } from '@nestjs/websockets';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { map, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, MessagingGateway, startApp } from '../../src/index.js';
import { ask, type Answer } from '../support/ask.js';
import { connect } from '../support/client.js';
import { LIMITS_OFF } from '../support/server.js';

const KEY = 'a-key-of-many-characters-indeed';
const BEARER = { Authorization: `Bearer ${KEY}` };

/** Each endpoint of the server with a part of its body. */
const OWN: [path: string, part: RegExp][] = [
  ['/', /^<!doctype html>[\s\S]*Switchboard console/],
  ['/console/main.js', /^import/],
  ['/console/tables.json', /^\{"wsReference":".\/wss"/],
  ['/client.js', /export/],
  ['/health/live', /^\{"status":"ok"/],
  ['/health/ready', /^\{"status":"ok","info":\{"node"/],
  ['/metrics', /^# HELP switchboard/],
  ['/docs', /^<!doctype html>[\s\S]*Switchboard protocol/],
  ['/docs/page.js', /^import/],
  ['/asyncapi.json', /^\{"asyncapi":"3/],
  ['/api/v1/openapi.json', /^\{"openapi":"3/],
  ['/api/v1/stats', /^\{"phase":"ready"/],
  ['/api/v1/sessions?limit=1', /^\{"sessions":\[/],
];

/** Reads a header of every request without a check of the context, as guards for HTTP do. */
class BearerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    if (headers['authorization'] !== 'Bearer of-the-team') throw new UnauthorizedException('no token of the team');
    return true;
  }
}

class Envelope implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ wrapped: data })));
  }
}

@Catch()
class Teapot implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<ServerResponse>();
    response.writeHead(418).end(`mine: ${error.message}`);
  }
}

/** Replaces parameters of the query, so that a test sees the pipe. */
class QueryPipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    return type === 'query' ? 'piped' : value;
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
const locked: Handler = ({ headers }, response, next) =>
  'x-team' in headers ? next() : void response.writeHead(401).end('locked');
const helmet: Handler = (_, response, next) => {
  response.setHeader('X-Team', 'helmet');
  response.setHeader('Content-Security-Policy', "default-src 'self'");
  next();
};

@MessagingGateway()
class EchoGateway {
  @SubscribeMessage('echo')
  echo(): unknown {
    return { well: true };
  }
}

@Controller('team')
class TeamController {
  @Get()
  read(@Query('word') word?: string): unknown {
    return { team: true, word };
  }

  @Get('fails')
  fail(): never {
    throw new Error('of the team');
  }
}

interface GlobalThing {
  readonly name: string;
  readonly providers?: readonly Provider[];
  readonly middleware?: Handler;
  readonly prepare?: (app: NestExpressApplication) => void;
  /** A request to the team's controllers that shows that the thing applies to them. */
  readonly path?: string;
  readonly shows: (answer: Answer) => unknown;
  readonly expected: unknown;
}

const shown = ({ status, body }: Answer): string => `${status} ${body}`;
const WRAPPED = '200 {"wrapped":{"team":true}}';
const PIPED = '200 {"team":true,"word":"piped"}';
const PLAIN = '200 {"team":true}';
const status = ({ status: code }: Answer): number => code;

const GLOBAL_THINGS: readonly GlobalThing[] = [
  { name: 'nothing global', shows: shown, expected: PLAIN },
  { name: 'APP_GUARD', providers: [{ provide: APP_GUARD, useClass: BearerGuard }], shows: status, expected: 401 },
  { name: 'useGlobalGuards()', prepare: (app) => app.useGlobalGuards(new BearerGuard()), shows: status, expected: 401 },
  {
    name: 'APP_INTERCEPTOR',
    providers: [{ provide: APP_INTERCEPTOR, useClass: Envelope }],
    shows: shown,
    expected: WRAPPED,
  },
  {
    name: 'useGlobalInterceptors()',
    prepare: (app) => app.useGlobalInterceptors(new Envelope()),
    shows: shown,
    expected: WRAPPED,
  },
  {
    name: 'APP_FILTER',
    providers: [{ provide: APP_FILTER, useClass: Teapot }],
    path: '/team/fails',
    shows: shown,
    expected: '418 mine: of the team',
  },
  {
    name: 'useGlobalFilters()',
    prepare: (app) => app.useGlobalFilters(new Teapot()),
    path: '/team/fails',
    shows: shown,
    expected: '418 mine: of the team',
  },
  { name: 'APP_PIPE', providers: [{ provide: APP_PIPE, useClass: QueryPipe }], shows: shown, expected: PIPED },
  { name: 'useGlobalPipes()', prepare: (app) => app.useGlobalPipes(new QueryPipe()), shows: shown, expected: PIPED },
  {
    name: 'setGlobalPrefix()',
    prepare: (app) => app.setGlobalPrefix('of-team'),
    path: '/of-team/team',
    shows: shown,
    expected: PLAIN,
  },
  {
    name: 'enableVersioning() by URI',
    prepare: (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '7' }),
    path: '/v7/team',
    shows: shown,
    expected: PLAIN,
  },
  {
    name: 'enableVersioning() by header',
    prepare: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version', defaultVersion: '7' }),
    shows: status,
    expected: 404,
  },
  { name: 'middleware of a module for *path', middleware: locked, shows: shown, expected: '401 locked' },
  { name: 'app.use()', prepare: (app) => app.use(locked), shows: shown, expected: '401 locked' },
  {
    name: 'app.use() of headers',
    prepare: (app) => app.use(helmet),
    shows: ({ headers }) => headers['x-team'],
    expected: 'helmet',
  },
  {
    name: 'useSecurityHeaders()',
    prepare: (app) => app.useSecurityHeaders(),
    shows: ({ headers }) => headers['x-frame-options'],
    expected: 'SAMEORIGIN',
  },
  {
    name: 'enableCors()',
    prepare: (app) => app.enableCors({ origin: 'https://team.example' }),
    shows: ({ headers }) => headers['access-control-allow-origin'],
    expected: 'https://team.example',
  },
];

async function start({ providers = [], middleware, prepare }: GlobalThing): Promise<[INestApplication, number]> {
  @Module({ providers: [EchoGateway, ...providers], controllers: [TeamController] })
  class TeamModule {
    configure(consumer: MiddlewareConsumer): void {
      if (middleware) consumer.apply(middleware).forRoutes('*path');
    }
  }
  const variables = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', API_KEYS: KEY, ...LIMITS_OFF };
  const app = await createApp({ variables, handlers: [TeamModule] });
  prepare?.(app);
  return [app, await startApp(app)];
}

describe.each(GLOBAL_THINGS)('with $name of the application', (thing) => {
  let app: INestApplication;
  let port: number;
  beforeAll(async () => {
    [app, port] = await start(thing);
  });
  afterAll(() => app.close());

  it.each(OWN)('GET %s answers as without it', async (path, part) => {
    const answer = await ask(`http://127.0.0.1:${port}${path}`, { headers: BEARER });
    expect([answer.status, part.test(answer.body)]).toEqual([200, true]);
    expect(Object.keys(answer.headers)).not.toEqual(expect.arrayContaining(['x-team', 'x-frame-options']));
    expect(answer.headers['access-control-allow-origin'] ?? '*').toBe('*');
  });

  it('the HTTP API sends a message with unchanged data', async () => {
    const client = await connect(`ws://127.0.0.1:${port}/wss`);
    const body = `{"type":"news","receiver":"${client.id}","data":{"n":9007199254740993}}`;
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/messages`, {
      method: 'POST',
      headers: { ...BEARER, 'Content-Type': 'application/json' },
      body,
    });
    expect(await answer.text()).toBe('{"status":"routed"}');
    await client.next('news');
    expect(client.frames.at(-1)).toContain('9007199254740993');
    await client.close();
  });

  it('errors of the endpoints keep their form', async () => {
    const answer = await ask(`http://127.0.0.1:${port}/console/nothing.js`);
    expect([answer.status, answer.body]).toEqual([404, expect.stringContaining('"code":"not_found"')]);
    const refused = await ask(`http://127.0.0.1:${port}/api/v1/stats`);
    expect([refused.status, refused.headers['content-type']]).toEqual([401, 'application/problem+json']);
  });

  it('applies to controllers of the application', async () => {
    expect(thing.shows(await ask(`http://127.0.0.1:${port}${thing.path ?? '/team'}`))).toEqual(thing.expected);
  });

  it('a handler answers its messages', async () => {
    const client = await connect(`ws://127.0.0.1:${port}/wss`);
    client.send({ type: 'echo', id: '1' });
    expect(await client.answer('1')).toMatchObject({ type: 'echo', data: { well: true } });
    await client.close();
  });

  it('the OpenAPI document of the application shows only its own paths', () => {
    const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    const team = (thing.path ?? '/team').replace('/fails', '');
    expect(Object.keys(paths).toSorted()).toEqual([team, `${team}/fails`]);
  });
});
