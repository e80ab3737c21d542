import {
  BadRequestException,
  HttpException,
  Module,
  NotFoundException,
  ParseIntPipe,
  UnauthorizedException,
  ValidationPipe,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

class RowDto {
  @IsInt()
  row!: number;
}

/** Exceptions of another copy of a package have its methods and fields, and no common class. */
const foreign = {
  http: Object.assign(new Error('x'), { getStatus: () => 409, getResponse: () => ({ message: 'taken' }) }),
  ws: Object.assign(new Error('x'), { getError: () => ({ code: 'mine', message: 'theirs' }) }),
  message: Object.assign(new Error('theirs'), { code: 'sold_out', ref: undefined, details: { retryAfterMs: 5 } }),
  system: Object.assign(new Error('secret'), { code: 'ENOENT' }),
  card: Object.assign(new Error('secret'), { code: 'card_declined' }),
};

function toBigInt(): bigint {
  return 1n;
}

const cycle: { self?: object } = {};
cycle.self = cycle;

const THROWN: Readonly<Record<string, readonly [code: string, message: string | undefined, thrown: () => unknown]>> = {
  'a status 400': ['refused', 'bad row', () => new BadRequestException('bad row')],
  'a status 401': ['unauthorized', 'log in', () => new UnauthorizedException('log in')],
  'a status 404': ['not_found', 'no such room', () => new NotFoundException('no such room')],
  'a status 404 without a text': ['not_found', 'Not Found', () => new NotFoundException()],
  'a status 409': ['conflict', 'taken', () => new HttpException('taken', 409)],
  'a status 418': ['refused', 'a teapot', () => new HttpException('a teapot', 418)],
  'a status 422 with texts': ['unprocessable', 'a; b', () => new HttpException({ message: ['a', 'b'] }, 422)],
  'a status 429 with a code': [
    'slow_down',
    'wait',
    () => new HttpException({ code: 'slow_down', message: 'wait' }, 429),
  ],
  'a status 429 with no valid code': [
    'too_many_requests',
    'wait',
    () => new HttpException({ code: 'E 1', message: 'wait' }, 429),
  ],
  'a status 500': ['internal_error', undefined, () => new HttpException('secret', 500)],
  'a status 302': ['internal_error', undefined, () => new HttpException('secret', 302)],
  'an HttpException of another copy of Nest': ['conflict', 'taken', () => foreign.http],
  'a WsException of another copy of Nest': ['mine', 'theirs', () => foreign.ws],
  'a MessageError of another copy of this package': ['sold_out', 'theirs', () => foreign.message],
  'an error of the system': ['internal_error', undefined, () => foreign.system],
  'an error of another library with a code': ['internal_error', undefined, () => foreign.card],
  'a text that is not valid Unicode': ['refused', '\ud800\u0000"', () => new HttpException('\ud800\u0000"', 400)],
};

const VALUES: Readonly<Record<string, () => unknown>> = {
  'a big integer': toBigInt,
  'a function': () => toBigInt,
  'a symbol': () => Symbol('x'),
  'a cycle': () => cycle,
  'a toJSON that throws': () => ({ toJSON: () => JSON.parse('{') as unknown }),
  'a toJSON of nothing': () => ({ toJSON: () => undefined }),
  'a function under an event': () => ({ event: 'x', data: toBigInt }),
  'an event that is no type': () => ({ event: 'not a type', data: 1 }),
  'an event of the server': () => ({ event: 'sys.ack', data: 1 }),
  'an empty event': () => ({ event: '', data: 1 }),
};

@MessagingGateway()
class ExceptionsGateway {
  @SubscribeMessage('x.throw')
  throw(@MessageBody() kind: string): never {
    throw THROWN[kind]![2]();
  }

  @SubscribeMessage('x.return')
  return(@MessageBody() kind: string): unknown {
    return VALUES[kind]!();
  }

  @SubscribeMessage('x.event')
  event(): unknown {
    return { event: 'x.nothing', data: undefined };
  }

  @SubscribeMessage('x.pipe')
  pipe(@MessageBody('row', ParseIntPipe) row: number): number {
    return row;
  }

  @SubscribeMessage('x.own-pipe')
  ownPipe(@MessageBody(new ValidationPipe()) { row }: RowDto): number {
    return row;
  }
}

@Module({ providers: [ExceptionsGateway] })
class ExceptionsModule {}

describe('a handler', () => {
  let server: TestServer;
  let alice: Client;
  const lines = keepLogLines();

  beforeAll(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', LOG_FORMAT: 'json' }, [ExceptionsModule]);
    alice = await server.connect();
  });
  afterAll(() => server.stop());

  const ask = async (type: string, data?: unknown): Promise<{ code: string; message: string; incident?: string }> => {
    alice.send({ type, id: 'x', data });
    const answer = await alice.next();
    expect(answer).toMatchObject({ type: 'sys.error', ref: 'x' });
    await alice.settled();
    expect(alice.inbox).toEqual([]);
    return answer.data as { code: string; message: string; incident?: string };
  };
  const logged = (incident: string | undefined): string[] => lines.filter((line) => line.includes(incident!));

  it.each(Object.entries(THROWN))('that throws %s is answered %s', async (kind, [code, message]) => {
    const { incident, ...error } = await ask('x.throw', kind);
    expect(error).toMatchObject(message === undefined ? { code } : { code, message });
    expect(alice.frames.at(-2)).not.toContain('secret');
    if (code === 'internal_error') expect(logged(incident)).toHaveLength(1);
    else expect(incident).toBeUndefined();
  });

  it.each(Object.keys(VALUES))('that returns %s is answered internal_error, which is logged', async (kind) => {
    const { code, incident } = await ask('x.return', kind);
    expect(code).toBe('internal_error');
    expect(logged(incident)).toHaveLength(1);
  });

  it('may answer with an event without data', async () => {
    alice.send({ type: 'x.event', id: 'x' });
    expect(await alice.next()).toEqual({ type: 'x.nothing', sender: 'server', receiver: alice.id, ref: 'x' });
    expect(await alice.next()).toMatchObject({ type: 'sys.ack', ref: 'x' });
  });

  it('whose pipe throws a status 400 is answered invalid_message', async () => {
    expect(await ask('x.pipe', { row: 'first' })).toMatchObject({ code: 'invalid_message' });
    expect(await ask('x.own-pipe', { row: 'first' })).toMatchObject({ code: 'invalid_message' });
  });
});
