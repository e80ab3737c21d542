import { Module, ParseArrayPipe, ParseDatePipe, UsePipes, ValidationPipe, type Type } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Allow, IsString } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { MessagingGateway, RawData } from '../../src/index.js';
import { StartError } from '../../src/settings/start-error.js';
import { startServer } from '../support/server.js';

class ItemDto {
  @IsString()
  name!: string;
}

class UndecoratedDto {
  name!: string;
}

class AllowedDto {
  @Allow()
  name!: string;
}

/** A schema of the Standard Schema form, which accepts texts only. */
const TEXT_SCHEMA = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'string' ? { value: value.trim() } : { issues: [{ message: 'Expected text', path: ['name'] }] },
  },
};

class SchemaDto {
  static readonly schema = TEXT_SCHEMA;
}

const start = async (gateway: Type) => {
  @Module({ providers: [gateway] })
  class OneModule {}
  return startServer({ LOG_LEVEL: 'error' }, [OneModule]);
};

@MessagingGateway()
class ArrayGateway {
  @SubscribeMessage('x')
  add(@MessageBody() items: ItemDto[]): unknown {
    return items;
  }
}

@MessagingGateway()
class ArrayFieldGateway {
  @SubscribeMessage('x')
  add(@MessageBody('items') items: ItemDto[]): unknown {
    return items;
  }
}

@UsePipes(new ValidationPipe({ transform: true }))
@MessagingGateway()
class ValidatedArrayGateway {
  @SubscribeMessage('x')
  add(@MessageBody() items: ItemDto[]): unknown {
    return items;
  }
}

@MessagingGateway()
class UndecoratedArrayGateway {
  @SubscribeMessage('x')
  add(_client: unknown, items: ItemDto[]): unknown {
    return items;
  }
}

@MessagingGateway()
class DateGateway {
  @SubscribeMessage('x')
  at(@MessageBody('at') at: Date): unknown {
    return at;
  }
}

@MessagingGateway()
class MapGateway {
  @SubscribeMessage('x')
  all(@MessageBody() all: Map<string, string>): unknown {
    return all.size;
  }
}

@MessagingGateway()
class RulelessGateway {
  @SubscribeMessage('x')
  add(@MessageBody() item: UndecoratedDto): unknown {
    return item;
  }
}

@MessagingGateway()
class TwoBodiesGateway {
  @SubscribeMessage('x')
  add(@RawData() text: string, @MessageBody() item: ItemDto): unknown {
    return [text, item];
  }
}

@MessagingGateway()
class ManyFaultsGateway {
  @SubscribeMessage('many')
  add(@MessageBody('at') at: Date, @MessageBody('all') all: Map<string, string>): unknown {
    return [at, all];
  }

  @SubscribeMessage('all')
  all(@MessageBody() items: ItemDto[]): unknown {
    return items;
  }
}

@MessagingGateway()
class CheckedGateway {
  @SubscribeMessage('items')
  items(@MessageBody(new ParseArrayPipe({ items: ItemDto })) items: ItemDto[]): unknown {
    return items;
  }

  @SubscribeMessage('at')
  at(@MessageBody('at', new ParseDatePipe()) at: Date): unknown {
    return at.getTime();
  }

  @SubscribeMessage('allowed')
  allowed(@MessageBody() { name }: AllowedDto): unknown {
    return { name };
  }

  @SubscribeMessage('unchecked')
  unchecked(@MessageBody(new ValidationPipe()) { name }: UndecoratedDto): unknown {
    return { name };
  }

  @SubscribeMessage('schema')
  schema(@MessageBody({ schema: TEXT_SCHEMA }) text: unknown): unknown {
    return text;
  }

  @SubscribeMessage('schema-of-class')
  schemaOfClass(@MessageBody('text') text: SchemaDto): unknown {
    return text;
  }
}

@MessagingGateway()
class InheritedFieldGateway {
  @SubscribeMessage('x')
  add(@MessageBody('constructor') value: unknown): unknown {
    return value;
  }
}

describe('the declared type of a body', () => {
  it.each([
    [ArrayGateway, 'ArrayGateway.add: parameter 1 is an array', 'new ParseArrayPipe({ items: ItemDto })'],
    [ArrayFieldGateway, 'ArrayFieldGateway.add: parameter 1 is an array', 'ParseArrayPipe'],
    [ValidatedArrayGateway, 'ValidatedArrayGateway.add: parameter 1 is an array', 'ParseArrayPipe'],
    [UndecoratedArrayGateway, 'UndecoratedArrayGateway.add: parameter 2 is an array', 'ParseArrayPipe'],
    [DateGateway, 'DateGateway.at: parameter 1 is a Date', 'declare it as string or number'],
    [MapGateway, 'MapGateway.all: parameter 1 is a Map', 'declare it as string or number'],
    [RulelessGateway, 'RulelessGateway.add: parameter 1 is a UndecoratedDto', 'such as @IsString() or @Allow()'],
    [InheritedFieldGateway, 'InheritedFieldGateway.add: parameter 1 reads the field "constructor"', 'rename the field'],
    [TwoBodiesGateway, 'TwoBodiesGateway.add has @RawData() and @MessageBody()', 'keep one of them'],
  ])('that nothing can check ends the start with the method and a remedy: %o', async (gateway, where, remedy) => {
    const error: unknown = await start(gateway).catch((reason: unknown) => reason);
    expect(String(error)).toContain(where);
    expect(String(error)).toContain(remedy);
  });

  it('ends the start with all other faults, one line for each', async () => {
    @Module({ providers: [ArrayGateway, ManyFaultsGateway, RulelessGateway] })
    class FaultyModule {}
    const error: unknown = await startServer({}, [FaultyModule]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    const { lines } = error as StartError;
    for (const begin of [
      'ArrayGateway.add: parameter 1 is an array',
      'ManyFaultsGateway.add: parameter 1 is a Date',
      'ManyFaultsGateway.add: parameter 2 is a Map',
      'ManyFaultsGateway.all: parameter 1 is an array',
      'RulelessGateway.add: parameter 1 is a UndecoratedDto',
      'RulelessGateway.add claims "x"',
    ])
      expect(lines.filter((line) => line.startsWith(begin))).toHaveLength(1);
  });

  it('may be checked by a pipe, a schema or a rule', async () => {
    const server = await start(CheckedGateway);
    const client = await server.connect();
    const ask = async (type: string, data: unknown): Promise<unknown> => {
      client.send({ type, id: 'q', data });
      const answer = await client.next();
      if (answer.type === 'sys.error') return `${answer.data.code as string}: ${answer.data.message as string}`;
      await client.next('sys.ack');
      return answer.data;
    };
    expect(await ask('items', [{ name: 'a' }])).toEqual([{ name: 'a' }]);
    expect(await ask('at', { at: '1970-01-01T00:00:01Z' })).toBe(1000);
    expect(await ask('allowed', { name: 5 })).toEqual({ name: 5 });
    expect(await ask('unchecked', { name: 5 })).toEqual({ name: 5 });
    expect(await ask('schema', ' a ')).toBe('a');
    expect(await ask('schema', 5)).toBe('invalid_message: data.name: Expected text');
    expect(await ask('schema-of-class', { text: ' a ' })).toBe('a');
    expect(await ask('schema-of-class', {})).toBe('invalid_message: data.text.name: Expected text');
    await server.stop();
  });
});
