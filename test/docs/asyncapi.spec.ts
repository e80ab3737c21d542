import { Module } from '@nestjs/common';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  SYSTEM_REQUESTS,
  CLOSE_CODES,
  ERRORS,
  MAX_TYPE_CHARACTERS,
  HANDSHAKE_REJECTIONS,
  SERVER_MESSAGES,
} from '../../src/protocol/index.js';
import { FrameValidator } from '../support/asyncapi.js';
import { keepLogLines } from '../support/log-lines.js';
import { DescribedModule } from '../support/described.gateway.js';
import { EMITTED, EmittingModule } from '../support/emitting.gateway.js';
import { OrdersGateway, OtherOrdersGateway } from '../support/orders.gateway.js';
import { startServer, type TestServer } from '../support/server.js';
import { SECRET } from '../support/tokens.js';

@Module({ providers: [OrdersGateway, OtherOrdersGateway] })
class OrdersModule {}

const OFFICIAL = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0.json');

describe('/asyncapi.json', () => {
  keepLogLines();
  let server: TestServer;
  let judge: FrameValidator;
  beforeAll(async () => {
    server = await startServer({ WS_PATH: '/socket', MAX_MESSAGE_BYTES: '4096' }, [OrdersModule]);
    judge = await FrameValidator.of(server.port);
  });
  afterAll(() => server.stop());

  it('is what the authors of AsyncAPI 3.0 say that such a document is', () => {
    expect(judge.document.asyncapi).toBe('3.0.0');
    expect(faults(judge.document)).toEqual([]);
    expect(faults({ ...judge.document, channels: { wss: { messages: 'none' } } })).not.toEqual([]);
  });

  it('refers only to what it has', () => {
    const text = JSON.stringify(judge.document);
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
    expect(references.length).toBeGreaterThan(30);
    const lost = references.filter((path) => at(judge.document, path.split('/')) === undefined);
    expect(lost).toEqual([]);
  });

  it('has every error, close code and refusal, and the bounds of this server', () => {
    const { document } = judge;
    expect(document['x-errors']).toEqual(ERRORS);
    expect(document['x-close-codes']).toEqual(CLOSE_CODES);
    expect(document['x-refusals']).toEqual(HANDSHAKE_REJECTIONS);
    expect(document['x-limits']).toMatchObject({ maxMessageBytes: 4096, typeCharacters: MAX_TYPE_CHARACTERS });
    expect(document.channels['wss']?.address).toBe('/socket');
  });

  it('has every word of the server and of its handlers, and no other', () => {
    const { messages } = judge.document.components;
    const ours = Object.keys(messages).filter((key) => !key.startsWith('order'));
    const plain = ['message', 'from-session', 'from-server'];
    const requests = Object.keys(SYSTEM_REQUESTS).map((type) => (type in SERVER_MESSAGES ? `${type}.request` : type));
    expect(ours.toSorted()).toEqual([...Object.keys(SERVER_MESSAGES), ...requests, ...plain].toSorted());
    const asked = ['order-place', 'order.cancel', 'order.menu', 'order.other'];
    const handlers = Object.keys(messages).filter((key) => key.startsWith('order'));
    expect(handlers.toSorted()).toEqual(asked.flatMap((key) => [key, `${key}.answer`]).toSorted());
  });

  it('knows the words of docs/protocol.md, and no other', () => {
    const contract = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
    const listed = [...contract.matchAll(/^\| `(sys\.[a-z]+)`/gm)].map(([, word]) => word!);
    expect(listed.toSorted()).toEqual(Object.keys(SERVER_MESSAGES).toSorted());
    for (const word of Object.keys(SYSTEM_REQUESTS)) expect(contract).toContain(`"type":"${word}"`);
  });

  it('has users and rooms as receivers of messages and of requests', () => {
    const fits = (key: string, frame: object): boolean => judge.fits(key, { type: key, ...frame });
    for (const receiver of ['#garden', '@ann', '@zoë', '@a b', '*', 'aaaaaaaa.bbbbbbbbbbbbbbbb'])
      expect([receiver, judge.fits('message', { type: 'chat', receiver })]).toEqual([receiver, true]);
    for (const receiver of ['#', '@', '#a b', '#gärten', `#${'x'.repeat(128)}`])
      expect([receiver, judge.fits('message', { type: 'chat', receiver })]).toEqual([receiver, false]);
    for (const key of ['sys.join', 'sys.leave']) {
      expect(fits(key, { receiver: '#garden' })).toBe(true);
      for (const receiver of ['@ann', '#', '*', undefined]) expect(fits(key, { receiver })).toBe(false);
      expect(fits(key, { receiver: '#garden', data: 1 })).toBe(false);
    }
    for (const key of ['sys.watch', 'sys.unwatch']) {
      expect(fits(key, { receiver: '@ann' })).toBe(true);
      for (const receiver of ['#garden', '@', '*', undefined]) expect(fits(key, { receiver })).toBe(false);
    }
    for (const receiver of ['@ann', '#garden']) expect(fits('sys.who', { receiver, data: { limit: 1 } })).toBe(true);
    expect(fits('sys.who', { receiver: '#a b' })).toBe(false);
    const reply = judge.document.operations['receive.sys.who']?.reply?.messages;
    expect(reply?.map(({ $ref }) => $ref.split('/').at(-1))).toEqual(['sys.sessions', 'sys.members', 'sys.error']);
  });

  it('has the notices of a room, with the room as their receiver', () => {
    const sender = 'aaaaaaaa.bbbbbbbbbbbbbbbb';
    for (const type of ['sys.joined', 'sys.left']) {
      expect(judge.fits(type, { type, sender, receiver: '#garden', data: {} })).toBe(true);
      expect(judge.fits(type, { type, sender, receiver: '#garden' })).toBe(false);
      expect(judge.fits(type, { type, sender, receiver: '*', data: {} })).toBe(false);
      expect(judge.fits(type, { type, sender: 'server', receiver: '#garden', data: {} })).toBe(false);
    }
    const total = { type: 'sys.room', sender: 'server', receiver: '#garden', data: { room: 'garden', total: 1204 } };
    expect(judge.fits('sys.room', total)).toBe(true);
    expect(judge.fits('from-session', { type: 'chat', sender, receiver: '#garden' })).toBe(true);
    expect(judge.fits('from-session', { type: 'chat', sender, receiver: '@zoë' })).toBe(true);
    expect(judge.document['x-limits']).toMatchObject({
      maxRoomsPerSession: 100,
      maxWatchesPerSession: 256,
      roomNoticeLimit: 1000,
    });
  });

  it('has the messages of sessions that resume', () => {
    const [sender, receiver] = ['aaaaaaaa.bbbbbbbbbbbbbbbb', '*'];
    for (const type of ['sys.away', 'sys.back']) {
      expect(judge.fits(type, { type, sender, receiver })).toBe(true);
      expect(judge.fits(type, { type, sender, receiver, data: {} })).toBe(false);
      expect(judge.fits(type, { type, sender: 'server', receiver })).toBe(false);
    }
    const seen = { type: 'sys.seen', data: { frames: 412 } };
    expect(judge.matchReceived(seen)).toEqual(['sys.seen.request']);
    expect(judge.matchReceived({ ...seen, data: { frames: -1 } })).toEqual([]);
    expect(judge.matchSent({ ...seen, sender: 'server', receiver: sender })).toEqual(['sys.seen']);
    const undelivered = {
      type: 'sys.undelivered',
      sender: 'server',
      receiver: sender,
      ref: '1',
      data: { receiver: sender },
    };
    expect(judge.matchSent(undelivered)).toEqual(['sys.undelivered']);
    expect(judge.matchSent({ ...undelivered, ref: undefined })).toEqual([]);
    expect(judge.document['x-limits']).toMatchObject({
      resumeWindowMs: 60_000,
      resumeBytes: 262_144,
      awayNoticeMs: 2000,
      seenFrames: 64,
    });
  });

  it('lists the types that handlers emit, each once, as messages that the server sends', async () => {
    const emitting = await startServer({}, [EmittingModule]);
    const validator = await FrameValidator.of(emitting.port);
    await emitting.stop();
    const { document } = validator;
    const emitted = document.operations['send']!.messages.map(({ $ref }) => $ref.split('/').at(-1)!).filter((key) =>
      key.startsWith('e.'),
    );
    expect(emitted.toSorted()).toEqual([...EMITTED, 'e.claimed-2'].toSorted());
    const sender = 'aaaaaaaa.bbbbbbbbbbbbbbbb';
    expect(validator.fits('e.method', { type: 'e.method', sender, receiver: '*', data: 1 })).toBe(true);
    expect(validator.fits('e.method', { type: 'e.other', sender, receiver: '*' })).toBe(false);
    expect(faults(document)).toEqual([]);
  });

  it('has the answers, the streams and the emitted data that handlers describe', async () => {
    const described = await startServer({}, [DescribedModule]);
    const { document } = await FrameValidator.of(described.port);
    await described.stop();
    const { messages, schemas } = document.components;
    const data = (key: string): unknown => (messages[key]?.payload as Payload | undefined)?.properties.data;
    const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
    expect(data('dice.roll.answer')).toEqual(ref('RolledDto'));
    expect(messages['dice.roll']).toMatchObject({
      summary: 'Rolls a die.',
      examples: [{ payload: { data: { sides: 6 } } }],
    });
    expect(data('dice.several.answer')).toEqual({ type: 'array', items: ref('RolledDto') });
    expect(messages['dice.several']).toMatchObject({ summary: 'Rolls several dice.' });
    expect(data('dice.sides.answer')).toEqual({ type: 'number' });
    expect(data('guest.any.answer')).toEqual({});
    expect(data('tree.save.answer')).toEqual(ref('TreeDto'));
    expect(data('job.run.answer')).toEqual(ref('ProgressDto'));
    expect(Object.keys(messages).filter((key) => 'x-stream' in messages[key]!)).toEqual([
      'job.run.answer',
      'job.observe.answer',
      'job.generate.answer',
    ]);
    expect(data('guest.add.answer')).toBeUndefined();
    expect(document.operations['receive.guest.add']?.reply?.messages.map(({ $ref }) => $ref.split('/').at(-1))).toEqual(
      ['sys.ack', 'sys.error'],
    );
    expect(data('poll.opened')).toEqual(ref('OpenedDto'));
    expect(data('poll.counts')).toEqual({ type: 'array', items: { type: 'number' } });
    expect(data('poll.closed')).toEqual({});
    expect(data('tree.grown-2')).toEqual(ref('TreeDto'));
    expect(schemas['GuestDto']).toMatchObject({
      properties: { mail: { type: 'string' }, from: { type: 'string', format: 'date-time' } },
    });
    expect(faults(document)).toEqual([]);
  });

  it('shows examples that fit', () => {
    for (const [key, { examples = [] }] of Object.entries(judge.document.components.messages))
      for (const { payload } of examples) expect([key, judge.fits(key, payload)]).toEqual([key, true]);
  });

  it("has a handler's DTO with all of its rules", () => {
    expect(judge.document.components.schemas['OrderDto']).toEqual({
      title: 'OrderDto',
      type: 'object',
      additionalProperties: false,
      required: ['note', 'size', 'where', 'items', 'tags', 'key', 'terms', 'table', 'floor'],
      properties: {
        note: {
          description: 'A note for the kitchen.',
          examples: ['no onions'],
          type: 'string',
          minLength: 2,
          maxLength: 40,
        },
        size: { enum: ['S', 'L'] },
        where: { enum: ['here', 'away', 3] },
        items: {
          type: 'array',
          minItems: 1,
          maxItems: 3,
          items: { $ref: '#/components/schemas/ItemDto' },
        },
        gift: { $ref: '#/components/schemas/ItemDto' },
        tags: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 5 } },
        tip: { type: 'number', exclusiveMinimum: 0 },
        card: { type: 'string' },
        key: { type: 'string', format: 'uuid' },
        terms: { type: 'boolean', const: true },
        table: { type: 'string', not: { enum: ['', null] } },
        mail: { type: 'string', 'x-rules': ['mail must be an email'] },
        floor: { enum: [0, 1] },
      },
    });
    expect(judge.document.components.schemas['ItemDto']).toMatchObject({
      properties: {
        sku: { type: 'string', pattern: '^[A-Z]{3}-\\d{4}$' },
        count: { type: 'integer', minimum: 1, maximum: 99 },
      },
    });
    expect(judge.document.components.schemas['OrderDto-2']).toMatchObject({
      properties: { other: { type: 'integer' } },
    });
  });

  it('asks for a token where the server does', async () => {
    expect(judge.document.components.securitySchemes).toBeUndefined();
    const strict = await startServer({ AUTH: 'required', AUTH_SECRET: SECRET });
    const { document } = await FrameValidator.of(strict.port);
    expect(faults(document)).toEqual([]);
    expect(Object.keys(document.components.securitySchemes!)).toEqual(['bearer', 'subprotocol']);
    expect(document.servers['direct']!.security).toHaveLength(2);
    await strict.stop();
  });

  it('is served to every client, and answers 304 to a matching ETag', async () => {
    const address = `http://127.0.0.1:${server.port}/asyncapi.json`;
    const { headers } = await fetch(address);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    const head = await fetch(address, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(headers.get('content-length'));
    const again = await fetch(address, { headers: { 'If-None-Match': `W/${headers.get('etag')}` } });
    expect(again.status).toBe(304);
  });

  it('is not there where the operator says so', async () => {
    const silent = await startServer({ DOCS: 'off' });
    for (const path of ['/asyncapi.json', '/docs', '/docs/page.js'])
      expect((await fetch(`http://127.0.0.1:${silent.port}${path}`)).status).toBe(404);
    await silent.stop();
  });
});

interface Payload {
  readonly properties: { readonly data?: unknown };
}

/** Returns the faults that the official schema finds in a document. */
function faults(document: object): string[] {
  const ajv = new Ajv({ strict: false, logger: false, meta: false, validateSchema: false }); // it brings draft-07 itself
  addFormats.default(ajv);
  const judge = ajv.compile(JSON.parse(readFileSync(OFFICIAL, 'utf8')) as object);
  judge(document);
  return (judge.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function at(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value;
  return typeof value === 'object' && value !== null
    ? at((value as Readonly<Record<string, unknown>>)[name], rest)
    : undefined;
}
