import {
  BadRequestException,
  Body,
  Catch,
  Controller,
  Get,
  Module,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Put,
  Req,
  UseFilters,
  ValidationPipe,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, ExternalContextCreator } from '@nestjs/core';
import { IsInt } from 'class-validator';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApp, startApp, type AppOptions } from '../../src/index.js';
import { LIMITS_OFF, startServer, type TestServer } from '../support/server.js';

class BillDto {
  @IsInt()
  cents!: number;
}

class BillMissing extends NotFoundException {
  constructor(id: string) {
    super({ statusCode: 404, code: 'BILL_MISSING', id });
  }
}

@Catch(BillMissing)
class BillFilter implements ExceptionFilter {
  catch(_: BillMissing, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<ServerResponse>().writeHead(410).end('of the controller');
  }
}

@Catch()
class EveryError implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<ServerResponse>().writeHead(418).end(error.message);
  }
}

@Controller('bills')
class BillsController {
  @Post()
  make(@Body() body: unknown): unknown {
    return { body: body ?? null };
  }

  @Post('cents')
  cents(@Body('cents', ParseIntPipe) cents: number): unknown {
    return { cents };
  }

  @Post('dto')
  dto(@Body(new ValidationPipe({ transform: true })) bill: BillDto): unknown {
    return { dto: bill instanceof BillDto, cents: bill.cents };
  }

  @Put(':id')
  put(@Param('id') id: string, @Body() body: unknown): unknown {
    return { id, body };
  }

  @Post('raw')
  raw(@Req() { rawBody }: { rawBody?: Buffer }): unknown {
    return { raw: rawBody?.toString() ?? null };
  }

  @Get('bad')
  bad(): never {
    throw new BadRequestException('a bad bill');
  }

  @Get('broken')
  broken(): never {
    throw new Error('a secret of the bill');
  }

  @Get('coded/:id')
  coded(@Param('id') id: string): never {
    throw new BillMissing(id);
  }

  @UseFilters(BillFilter)
  @Get('gone/:id')
  gone(@Param('id') id: string): never {
    throw new BillMissing(id);
  }

  @Get(':id')
  find(@Param('id') id: string): never {
    throw new NotFoundException(`no bill ${id}`);
  }
}

@Module({ controllers: [BillsController] })
class BillsModule {}

const UNKNOWN_PATH = '{"error":{"code":"not_found","message":"There is nothing at this path."}}';
const FORM = 'application/x-www-form-urlencoded';

describe('a controller of the application', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ LOG_LEVEL: 'error' }, [BillsModule]);
  });
  afterAll(() => server.stop());

  async function send(method: string, path: string, body?: string, type = 'application/json'): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      ...(body !== undefined && { body, headers: { 'Content-Type': type } }),
    });
    return `${answer.status} ${await answer.text()}`;
  }

  it.each([
    ['a JSON body', 'POST', '/bills', '{"cents":1}', 'application/json', '201 {"body":{"cents":1}}'],
    [
      'JSON of another type',
      'POST',
      '/bills',
      '{"cents":1}',
      'application/json; charset=utf-8',
      '201 {"body":{"cents":1}}',
    ],
    ['a form', 'POST', '/bills', 'cents=1&of=ann', FORM, '201 {"body":{"cents":"1","of":"ann"}}'],
    ['one field', 'POST', '/bills/cents', '{"cents":"7"}', 'application/json', '201 {"cents":7}'],
    ['a DTO', 'POST', '/bills/dto', '{"cents":7}', 'application/json', '201 {"dto":true,"cents":7}'],
    ['a body of PUT', 'PUT', '/bills/b', '{"cents":7}', 'application/json', '200 {"id":"b","body":{"cents":7}}'],
    ['no raw body', 'POST', '/bills/raw', '{"cents":7}', 'application/json', '201 {"raw":null}'],
  ])('gets %s', async (_, method, path, body, type, expected) => {
    expect(await send(method, path, body, type)).toBe(expected);
  });

  it('gets no body that is malformed, too large or against its rules', async () => {
    expect(await send('POST', '/bills', '{"cents":')).toMatch(/^400 .*"statusCode":400/);
    expect(await send('POST', '/bills', JSON.stringify('x'.repeat(200_000)))).toMatch(/^413 .*"statusCode":413/);
    expect(await send('POST', '/bills/dto', '{"cents":"x"}')).toMatch(/^400 .*cents must be an integer/);
  });

  it.each([
    ['/bills/5', '404 {"message":"no bill 5","error":"Not Found","statusCode":404}'],
    ['/bills/coded/5', '404 {"statusCode":404,"code":"BILL_MISSING","id":"5"}'],
    ['/bills/gone/5', '410 of the controller'],
    ['/bills/bad', '400 {"message":"a bad bill","error":"Bad Request","statusCode":400}'],
    ['/bills/broken', '500 {"statusCode":500,"message":"Internal server error"}'],
    ['/nowhere', `404 ${UNKNOWN_PATH}`],
    ['/bills', `404 ${UNKNOWN_PATH}`],
  ])('answers GET %s as in any application of Nest', async (path, expected) => {
    expect(await send('GET', path)).toBe(expected);
  });
});

describe('with options of createApp', () => {
  let close: (() => Promise<void>) | undefined;
  afterEach(() => close?.());

  async function start(
    options: AppOptions,
    prepare: (app: Awaited<ReturnType<typeof createApp>>) => void = () => undefined,
  ): Promise<string> {
    const variables = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...LIMITS_OFF };
    const app = await createApp({ variables, handlers: [BillsModule], ...options });
    close = () => app.close();
    prepare(app);
    return `http://127.0.0.1:${await startApp(app)}`;
  }

  async function get(url: string): Promise<string> {
    const answer = await fetch(url);
    return `${answer.status} ${await answer.text()}`;
  }

  it('a controller gets the raw body that the application asks for', async () => {
    const origin = await start({ rawBody: true });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${origin}/bills/raw`, { method: 'POST', headers, body: '{ "cents": 7 }' });
    expect(await answer.json()).toEqual({ raw: '{ "cents": 7 }' });
  });

  it('a body parser of the application has its own limit', async () => {
    const origin = await start({}, (app) => app.useBodyParser('json', { limit: '1mb' }));
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ text: 'x'.repeat(200_000) });
    expect((await fetch(`${origin}/bills`, { method: 'POST', headers, body })).status).toBe(201);
  });

  it('a filter of the application catches an unknown path, too', async () => {
    @Module({ controllers: [BillsController], providers: [{ provide: APP_FILTER, useClass: EveryError }] })
    class FilteredModule {}
    const origin = await start({ handlers: [FilteredModule] });
    expect(await get(`${origin}/bills/5`)).toBe('418 no bill 5');
    expect(await get(`${origin}/nowhere`)).toBe('418 Cannot GET /nowhere');
  });

  it('a filter of the application for another exception leaves an unknown path', async () => {
    const origin = await start({}, (app) => app.useGlobalFilters(new BillFilter()));
    expect(await get(`${origin}/bills/coded/5`)).toBe('410 of the controller');
    expect(await get(`${origin}/nowhere`)).toBe(`404 ${UNKNOWN_PATH}`);
  });

  it('a missing thing outside HTTP keeps its exception', async () => {
    const resolver = {
      find: (): never => {
        throw new NotFoundException('no bill');
      },
    };
    let calls!: ExternalContextCreator;
    await start({}, (app) => void (calls = app.get(ExternalContextCreator)));
    for (const context of ['graphql', 'rpc']) {
      const call = calls.create(
        resolver,
        resolver.find,
        'find',
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        context,
      );
      await expect(call({}, {})).rejects.toThrow(new NotFoundException('no bill'));
    }
  });

  it('an unknown path inside and outside a global prefix is answered in the same form', async () => {
    const origin = await start({}, (app) => void app.setGlobalPrefix('team'));
    expect(await get(`${origin}/team/bills/5`)).toContain('no bill 5');
    for (const path of ['/nowhere', '/team/nowhere', '/bills/5'])
      expect(await get(origin + path)).toBe(`404 ${UNKNOWN_PATH}`);
  });
});
