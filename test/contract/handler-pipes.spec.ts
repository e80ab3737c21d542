import { Module, ParseIntPipe, StandardSchemaValidationPipe, ValidationPipe, type PipeTransform } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, startApp } from '../../src/index.js';
import { connect, type Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import {
  ChangedBodiesGateway,
  ExtendedGateway,
  HandmadePipe,
  LetterPipe,
  PlainBodiesGateway,
  RequestValidationPipe,
  ScopedBodiesGateway,
  TeamBodiesGateway,
  TeamValidationPipe,
  TrimPipe,
} from '../support/pipes.gateway.js';
import { LIMITS_OFF, startServer, type TestServer } from '../support/server.js';

/** Sends a message to a handler; returns its value, or code and text of its error. */
async function ask(client: Client, type: string, data?: unknown): Promise<unknown> {
  client.send({ type, id: 'q', data });
  const answer = await client.next();
  if (answer.type === 'sys.error') return `${answer.data.code as string}: ${answer.data.message as string}`;
  if (answer.type !== 'sys.ack') await client.next('sys.ack');
  return answer.type === 'sys.ack' ? undefined : answer.data;
}

@Module({ providers: [PlainBodiesGateway] })
class PlainModule {}

/** Messages and their answers without any pipe of the team. */
const PLAIN: [string, unknown, unknown][] = [
  ['price', { cents: 3 }, 300],
  ['undecorated', { cents: 3 }, 300],
  ['words', { words: 'a b' }, ['a', 'b']],
  ['die', { sides: 6 }, { sides: 6, class: 'DieDto' }],
  ['die', { sides: '6' }, 'invalid_message: data.sides must be an integer number'],
  ['die', { sides: 6, x: 1 }, 'invalid_message: data.x should not exist'],
  ['die', { sides: 6, rows: [{ name: 'a' }, {}] }, 'invalid_message: data.rows.1.name must be a string'],
  ['die', { sides: 6, label: 'long' }, 'invalid_message: data.label: too long'],
  ['die', undefined, 'invalid_message: data.sides must be an integer number'],
  ['die', [], 'invalid_message: data must be an object'],
  ['die', 'text', 'invalid_message: data must be an object'],
  ['die-of', { die: { sides: 6 } }, { sides: 6, isSession: true }],
  ['die-of', { die: { sides: 'x' } }, 'invalid_message: data.die.sides must be an integer number'],
  ['die-of', {}, 'invalid_message: data.die.sides must be an integer number'],
  ['free', { n: '5' }, { body: { n: '5' } }],
  ['text', 'hello', 'hello'],
  ['text', 5, 'invalid_message: data must be a string'],
  ['text', undefined, 'invalid_message: data must be a string'],
  ['flag-of', { flag: false }, { flag: false }],
  ['flag-of', { flag: 'false' }, 'invalid_message: data.flag must be a boolean'],
  ['number-of', { n: 5 }, { n: 5 }],
  ['number-of', { n: '5' }, 'invalid_message: data.n must be a number'],
  ['number-of', { n: null }, 'invalid_message: data.n must be a number'],
  ['number-of', 5, 'invalid_message: data.n must be a number'],
];

const GLOBAL_PIPES: [string, () => PipeTransform][] = [
  ['a ValidationPipe', () => new ValidationPipe()],
  ['a ValidationPipe that transforms', () => new ValidationPipe({ transform: true })],
  [
    'a ValidationPipe that converts',
    () => new ValidationPipe({ transform: true, transformOptions: { enableImplicitConversion: true } }),
  ],
  ['a ValidationPipe that removes fields', () => new ValidationPipe({ whitelist: true, transform: true })],
  ['a ValidationPipe that checks own decorators', () => new ValidationPipe({ validateCustomDecorators: true })],
  ['a ValidationPipe of another status', () => new ValidationPipe({ errorHttpStatusCode: 422 })],
  ['a ValidationPipe without texts', () => new ValidationPipe({ disableErrorMessages: true })],
  ['a subclass of the ValidationPipe', () => new TeamValidationPipe()],
  ['a pipe for schemas', () => new StandardSchemaValidationPipe()],
  ['a pipe that trims', () => new TrimPipe()],
  ['a handmade pipe that makes objects', () => new HandmadePipe()],
];

describe('a body without a pipe of the team', () => {
  let server: TestServer;
  let client: Client;
  beforeAll(async () => {
    server = await startServer({}, [PlainModule]);
    client = await server.connect();
  });
  afterAll(() => server.stop());

  it.each(PLAIN)('of %s is checked against the declared type: %j', async (type, data, answer) => {
    expect(await ask(client, type, data)).toEqual(answer);
  });
});

describe.each(GLOBAL_PIPES)('a body beside %s for all controllers', (_, pipe) => {
  let stop: () => Promise<void>;
  let client: Client;
  beforeAll(async () => {
    const variables = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...LIMITS_OFF };
    const app = await createApp({ variables, handlers: [PlainModule] });
    app.useGlobalPipes(pipe());
    client = await connect(`ws://127.0.0.1:${await startApp(app)}/wss`);
    stop = () => app.close();
  });
  afterAll(() => stop());

  it('is the same as without that pipe', async () => {
    for (const [type, data, answer] of PLAIN) expect(await ask(client, type, data)).toEqual(answer);
  });
});

describe('a pipe of APP_PIPE', () => {
  it.each([
    ['a value', { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) }],
    ['a class', { provide: APP_PIPE, useClass: TeamValidationPipe }],
    ['a request-scoped class', { provide: APP_PIPE, useClass: RequestValidationPipe }],
  ])('does not change the bodies of handlers: %s', async (_, provider) => {
    @Module({ providers: [PlainBodiesGateway, ScopedBodiesGateway, provider] })
    class PipeModule {}
    const server = await startServer({}, [PipeModule]);
    const client = await server.connect();
    for (const [type, data, answer] of PLAIN) expect(await ask(client, type, data)).toEqual(answer);
    expect(await ask(client, 'scoped.price', { cents: 3 })).toEqual({ cents: 300 });
    await server.stop();
  });
});

describe('a gateway that extends another', () => {
  it('transforms a body once', async () => {
    @Module({ providers: [ExtendedGateway] })
    class ExtendedModule {}
    const server = await startServer({}, [ExtendedModule]);
    const client = await server.connect();
    for (const [type, data, answer] of PLAIN) expect(await ask(client, type, data)).toEqual(answer);
    await server.stop();
  });
});

describe('pipes of the team on handlers', () => {
  @Module({ providers: [TeamBodiesGateway, ChangedBodiesGateway, ScopedBodiesGateway] })
  class TeamModule {}
  let stop: () => Promise<void>;
  let client: Client;
  keepLogLines();
  beforeAll(async () => {
    const variables = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...LIMITS_OFF };
    const app = await createApp({ variables, handlers: [TeamModule] });
    app.useGlobalPipes(new LetterPipe('g'), new ValidationPipe({ transform: true }));
    client = await connect(`ws://127.0.0.1:${await startApp(app)}/wss`);
    stop = () => app.close();
  });
  afterAll(() => stop());

  it.each(['team.price', 'team.price-2', 'team.price-3'])('transform a body once: %s', async (type) => {
    expect(await ask(client, type, { cents: 3 })).toBe(300);
  });

  it.each(['team.injected', 'scoped.price'])('are made by Nest and replace that of the server: %s', async (type) => {
    expect(await ask(client, type, { cents: 3, x: 1 })).toEqual({ cents: 300 });
    expect(await ask(client, type, { cents: 'x' })).toBe('invalid_message: data.cents must be an integer number');
  });

  it.each([
    ['team.die', { sides: 6, x: 1 }, { sides: 6, x: 1 }],
    ['team.die', { sides: 1 }, 'invalid_message: data.sides must not be less than 2'],
    ['team.die', { sides: 6, label: 'long' }, 'invalid_message: data: too long'],
    ['team.die', { sides: 6, rows: [{ name: 'a' }, {}] }, 'invalid_message: data.rows.1.name must be a string'],
    ['team.die-of', { die: { sides: 1 } }, 'invalid_message: data.die.sides must not be less than 2'],
    ['team.strict', { sides: 6, x: 1 }, 'invalid_message: data.x should not exist'],
    ['team.strict', { sides: 6, rows: [{ name: 'a', x: 1 }] }, 'invalid_message: data.rows.0.x should not exist'],
    ['team.groups', { sides: 4 }, { sides: 4 }],
    ['team.groups', { sides: 2 }, 'invalid_message: data.sides must not be less than 3'],
    ['team.grouped', { sides: 6, rows: [{ name: 1 }] }, 'invalid_message: data.rows.0.name must be a string'],
    ['team.own-exception', { sides: 1 }, 'invalid_message: no tea'],
    ['team.silent', { sides: 1 }, 'invalid_message: Bad Request'],
  ])('name the field in the errors of %s: %j', async (type, data, answer) => {
    expect(await ask(client, type, data)).toEqual(answer);
  });

  it.each([
    ['changed.text', 'x', 'xgcmp'],
    ['changed.text', 5, 'invalid_message: data must be a string'],
    ['changed.int', { n: '5' }, 'invalid_message: data.n: Validation failed (numeric string is expected)'],
    ['changed.int', { n: 5 }, { n: 5 }],
    ['changed.optional', {}, { n: null }],
    ['changed.trimmed', { sides: 6, label: ' abc ' }, { sides: 6, label: 'abc', class: 'DieDto' }],
    ['changed.trimmed', { sides: 1 }, 'invalid_message: data.sides must not be less than 2'],
    ['changed.handmade', { cents: 3 }, 300],
    ['changed.handmade', { cents: 'x' }, 'invalid_message: bad cents'],
    ['changed.defaults', { sides: 6 }, { sides: 6, label: 'd6' }],
    ['changed.defaults', { sides: 'x' }, 'invalid_message: data.sides must be an integer number'],
    ['changed.owner', { owner: 'ann' }, { name: 'anngc', isOwner: true }],
    ['changed.rows', [{ name: 'a' }, { name: 'b' }], ['a', 'b']],
    ['changed.rows', [{ name: 'a' }, { name: 5 }], 'invalid_message: data.1.name must be a string'],
    ['changed.rows-of', { rows: [{ name: 'a' }, {}] }, 'invalid_message: data.rows.1.name must be a string'],
    ['changed.numbers', [1, 'x'], 'invalid_message: data.1 must be a number'],
    ['changed.numbers', { a: 1 }, 'invalid_message: data: Validation failed (parsable array expected)'],
  ])('run in the order of Nest, and the declared type is checked last: %s %j', async (type, data, answer) => {
    expect(await ask(client, type, data)).toEqual(answer);
  });
});

describe('a global ParseIntPipe', () => {
  it('runs for handlers, as in any application', async () => {
    const variables = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...LIMITS_OFF };
    const app = await createApp({ variables, handlers: [PlainModule] });
    app.useGlobalPipes(new ParseIntPipe());
    const client = await connect(`ws://127.0.0.1:${await startApp(app)}/wss`);
    expect(await ask(client, 'number-of', { n: '5' })).toEqual({ n: 5 });
    await app.close();
  });
});
