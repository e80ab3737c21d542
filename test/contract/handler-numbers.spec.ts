import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsInt, IsNumber, IsOptional } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MessagingGateway, RawData, Sender, Session } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

class AmountDto {
  @IsInt()
  n!: number;

  @IsNumber()
  @IsOptional()
  ratio?: number;
}

@MessagingGateway()
class NumbersGateway {
  @SubscribeMessage('n.any')
  any(@MessageBody() body: unknown): unknown {
    return { body };
  }

  @SubscribeMessage('n.amount')
  amount(@MessageBody() { n }: AmountDto): unknown {
    return { body: { n } };
  }

  @SubscribeMessage('n.field')
  field(@MessageBody('n') n: number): unknown {
    return { body: { n } };
  }

  @SubscribeMessage('n.ignored')
  ignored(): unknown {
    return { body: null };
  }

  @SubscribeMessage('n.raw')
  raw(@RawData() text: string | undefined, @Sender() sender: Session): unknown {
    return { text, id: sender.id };
  }
}

@Module({ providers: [NumbersGateway] })
class NumbersModule {}

describe.each(['on', 'off'])('the numbers of a handled message (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let client: Client;

  beforeAll(async () => {
    server = await startServer({ FAST_LANE, ARRIVAL_NOTICES: 'off' }, [NumbersModule]);
    client = await server.connect();
  });
  afterAll(() => server.stop());

  const ask = async (type: string, data: string): Promise<unknown> => {
    client.sendText(`{"type":"${type}","id":"q","data":${data}}`);
    const answer = await client.next();
    if (answer.type === 'sys.error') return `${answer.data.code as string}: ${answer.data.message as string}`;
    await client.next('sys.ack');
    return answer.data;
  };

  it.each([
    ['9007199254740993', 'data'],
    ['-9007199254740992', 'data'],
    ['9007199254740992.5', 'data'],
    ['1e400', 'data'],
    ['-1E+400', 'data'],
    ['-123456789012345678901234567890', 'data'],
    ['9.007199254740993e15', 'data'],
    ['{"x":1e400,"x":0,"n":9007199254740993}', 'data.n'],
    ['{"n":12345678901234567890}', 'data.n'],
    ['{"n":1,"items":[{"id":1},{"id":1e999}]}', 'data.items.1.id'],
    [`[${'9'.repeat(400)}]`, 'data.0'],
    ['{"text":"1e5","n":9007199254740993}', 'data.n'],
    [`{"${'n'.repeat(65)}":{"${'m'.repeat(64)}":1e400}}`, `data.${'n'.repeat(64)}….${'m'.repeat(64)}`],
  ])('are refused where JavaScript cannot hold them: %s', async (data, path) => {
    const refusal = `invalid_message: ${path} must be a number within ±(2^53 - 1)`;
    expect(await ask('n.any', data)).toBe(refusal);
    expect(await ask('n.ignored', data)).toBe(refusal);
    if (path === 'data.n') expect(await ask('n.amount', data)).toBe(refusal);
    if (path === 'data.n') expect(await ask('n.field', data)).toBe(refusal);
  });

  it.each([
    '9007199254740991',
    '-9007199254740991',
    '9007199254740991.0',
    '1.0',
    '1e2',
    '1e20',
    '-1.5E+308',
    '{"9007199254740993":1e308}',
    '1E-2',
    '0.1000000000000000055511151231257827',
    '0.30000000000000004',
    '"12345678901234567890"',
    '{"9007199254740993":"1e400"}',
    '"\\"9007199254740993"',
    '["a3e5","d41d8cd98f00b204e9800998ecf8427e"]',
  ])('are given to handlers where JavaScript holds them: %s', async (data) => {
    expect(await ask('n.any', data)).toEqual({ body: JSON.parse(data) as unknown });
  });

  it('reach a handler that takes the text, as they were written', async () => {
    for (const text of ['9007199254740993', '{"n": 1e400}', '-0', '"a"', 'null'])
      expect(await ask('n.raw', text)).toEqual({ text, id: client.id });
    client.sendText('{"type":"n.raw","id":"q"}');
    expect((await client.next('n.raw')).data).toEqual({ id: client.id });
    await client.next('sys.ack');
    const deep = `${'['.repeat(65)}${']'.repeat(65)}`;
    expect(await ask('n.raw', deep)).toBe('invalid_message: data is nested more than 64 levels deep');
  });

  it('are not changed in messages that no handler claims', async () => {
    const other = await server.connect();
    client.sendText(`{"type":"routed","receiver":"${other.id}","data":{"n":9007199254740993,"x":1e400}}`);
    await other.next('routed');
    expect(other.frames.at(-1)).toContain('{"n":9007199254740993,"x":1e400}');
    await other.close();
  });
});
