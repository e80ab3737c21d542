import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import type { Client } from '../support/client.js';
import { threadTimeMs } from '../support/thread-clock.js';
import { startServer, type TestServer } from '../support/server.js';

const WIDE_KEYS = 5000;
/** One call of the busy handler. */
const BUSY_MS = 4;
/** How often each rule read a value. */
const reads = { items: 0 };

class ItemDto {
  @IsInt()
  @Transform(({ value }: { value: unknown }) => (reads.items++, value))
  count!: number;

  @IsObject()
  @IsOptional()
  free?: object;
}

class BodyDto {
  @IsString()
  name!: string;

  @Expose({ name: 'alias' })
  @IsString()
  @IsOptional()
  renamed?: string;

  @Exclude()
  @IsOptional()
  dropped?: string;

  @IsOptional()
  @ValidateNested()
  @Type(() => ItemDto)
  item?: ItemDto;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ItemDto)
  items?: ItemDto[];

  @IsOptional()
  @ArrayMaxSize(3)
  @ValidateNested({ each: true })
  @Type(() => ItemDto)
  few?: ItemDto[];

  @IsOptional()
  @IsObject()
  free?: object;
}

@MessagingGateway()
class WideGateway {
  calls = 0;

  @SubscribeMessage('wide')
  wide(@MessageBody() body: BodyDto): unknown {
    return Object.assign({}, body);
  }

  @SubscribeMessage('wide-twice')
  wideTwice(@MessageBody() body: BodyDto, @MessageBody('free') free: unknown): unknown {
    return { body: Object.assign({}, body), free };
  }

  /** Does not wait for anything, so that the calls of a session follow one another without a turn of the event loop. */
  @SubscribeMessage('busy')
  busy(): void {
    this.calls++;
    for (const start = performance.now(); performance.now() - start < BUSY_MS;);
  }
}

@Module({ providers: [WideGateway] })
class WideModule {}

const wide = (count = WIDE_KEYS): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));

describe('a body for a handler', () => {
  let server: TestServer;
  let client: Client;

  beforeAll(async () => {
    server = await startServer({ MAX_MESSAGE_BYTES: '1000000', BYTES_PER_SECOND: '0' }, [WideModule]);
    client = await server.connect();
  });
  afterAll(() => server.stop());

  const refusal = async (data: unknown): Promise<string> => {
    client.send({ type: 'wide', id: 'r', data });
    const { type, data: answer } = await client.answer('r');
    return type === 'sys.error' ? `${answer.code}: ${answer.message}` : type;
  };
  const accepted = async (data: unknown): Promise<unknown> => {
    client.send({ type: 'wide', id: 'a', data });
    const { data: answer } = await client.answer('a');
    expect(await client.answer('a')).toMatchObject({ type: 'sys.ack' });
    return answer;
  };
  /** How long the answer to a message takes, at best of some. */
  const bestMs = async (data: unknown): Promise<number> => {
    const times: number[] = [];
    for (let count = 0; count < 5; count++) {
      const startMs = threadTimeMs();
      client.send({ type: 'wide', id: `${count}`, data });
      await client.answer(`${count}`);
      times.push(threadTimeMs() - startMs);
    }
    return Math.min(...times);
  };

  it.each([
    ['at the top', { name: 'x', zz: 1, ...wide() }, 'data.zz should not exist'],
    ['inside', { name: 'x', item: { count: 1, zz: 1, ...wide() } }, 'data.item.zz should not exist'],
    ['in an array', { name: 'x', items: [{ count: 1 }, { zz: 1, ...wide() }] }, 'data.items.1.zz should not exist'],
    ['before other faults', { item: { count: 'x' }, zz: 1 }, 'data.zz should not exist'],
    ['by a long name', { name: 'x', ['z'.repeat(1000)]: 1 }, `data.${'z'.repeat(64)}… should not exist`],
  ])('is refused at the first field that its DTO does not have: %s', async (_, data, message) => {
    expect(await refusal(data)).toBe(`invalid_message: ${message}`);
  });

  it('costs no more than ten times a small one where it has 5,000 fields that its DTO does not have', async () => {
    const small = await bestMs({ name: 'x', zz: 1 });
    expect(await bestMs({ name: 'x', ...wide() })).toBeLessThan(Math.max(10 * small, 15));
  });

  it('costs time in proportion to its length where it has a wide free field', async () => {
    const narrow = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`n${index}`, wide(500)]));
    const narrowMs = await bestMs({ name: 'x', free: narrow });
    expect(await bestMs({ name: 'x', free: wide(50_000) })).toBeLessThan(5 * narrowMs + 20);
  });

  it('keeps wide free fields unchanged, at every depth', async () => {
    const free = { a: [wide()], b: null };
    const body = { name: 'x', free: wide(), item: { count: 1, free }, items: [{ count: 2, free: wide() }] };
    expect(await accepted(body)).toEqual(body);
  });

  it('keeps a wide free field for each parameter of the handler', async () => {
    client.send({ type: 'wide-twice', id: 't', data: { name: 'x', free: wide() } });
    const { data: answer } = await client.answer('t');
    expect(answer).toEqual({ body: { name: 'x', free: wide() }, free: wide() });
    await client.next('sys.ack');
  });

  it('is not checked behind its first fault', async () => {
    reads.items = 0;
    const items = [{ count: 1 }, { count: 'x' }, ...Array.from({ length: 5000 }, () => ({}))];
    expect(await refusal({ name: 'x', items })).toBe('invalid_message: data.items.1.count must be an integer number');
  });

  it('is not transformed behind the length that its DTO allows an array', async () => {
    reads.items = 0;
    const few = Array.from({ length: 5000 }, () => ({ count: 1 }));
    expect(await refusal({ name: 'x', few })).toBe('invalid_message: data.few must contain no more than 3 elements');
    expect(reads.items).toBe(4);
  });

  it('may use the names and exclusions of class-transformer', async () => {
    expect(await accepted({ name: 'x', alias: 'y', dropped: 'z' })).toEqual({ name: 'x', renamed: 'y' });
  });
});

describe('many calls of one session', () => {
  it('let the messages of other sessions through in between', async () => {
    const server = await startServer({}, [WideModule]);
    const gateway = server.app.get(WideGateway, { strict: false });
    const [ann, bob, ...busy] = await Promise.all(Array.from({ length: 6 }, () => server.connect()));
    for (const client of busy) for (let count = 0; count < 60; count++) client.send({ type: 'busy' });
    for (let count = 0; count < 3; count++) {
      ann!.send({ type: 'calm', receiver: bob!.id, data: count });
      expect((await bob!.next('calm')).data).toBe(count);
    }
    // Without a turn in between, the first answer comes behind all calls of a session at least.
    expect(gateway.calls).toBeLessThan(120);
    await Promise.all(busy.map((client) => client.settled()));
    await server.stop();
  });
});
