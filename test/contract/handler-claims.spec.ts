import { Inject, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { createApp, MessagingGateway, startApp, StartError } from '../../src/index.js';
import { LIMITS_OFF, startServer } from '../support/server.js';

/** Decorates as plain JavaScript would, where no compiler checks the type of a message. */
function claim(type: unknown): MethodDecorator {
  return SubscribeMessage(type as string);
}

function moduleOf(...providers: Type[]): Type {
  @Module({ providers })
  class HandlersModule {}
  return HandlersModule;
}

/** Returns the lines with which the start ends, none where the start succeeds. */
async function startLines(...handlers: Type[]): Promise<readonly string[]> {
  try {
    const server = await startServer({ LOG_LEVEL: 'error' }, handlers);
    await server.stop();
    return [];
  } catch (error) {
    if (error instanceof StartError) return error.lines;
    throw error;
  }
}

describe('a claim that no message can meet ends the start', () => {
  enum Numbered {
    join,
  }
  it.each<[string, unknown, RegExp]>([
    ['a member of a numeric enum', Numbered.join, /is a number \(0\).*string/],
    ['undefined, as an import circle leaves an enum', undefined, /is undefined.*string/],
    ['null', null, /is null.*string/],
    ['a pattern of a microservice', { cmd: 'sum' }, /is an object \(\{"cmd":"sum"\}\).*string/],
    ['a list of types', ['a', 'b'], /is an array \(\["a","b"\]\).*string/],
    ['a boolean', true, /is a boolean.*string/],
    ['a big number', 5n, /is a bigint.*string/],
    ['a symbol', Symbol('join'), /is a symbol.*string/],
    ['a regular expression', /chat/, /is an object.*string/],
    ['a text object', new String('chat'), /is an object.*string/],
    ['an empty text', '', /"".*1 to 64 characters of A-Z a-z 0-9 \. _ : -/],
    ['a text of 65 characters', 'x'.repeat(65), /"x+…?".*1 to 64 characters/],
    ['a text with a space', 'room join', /"room join".*1 to 64 characters/],
    ['a path', 'room/join', /"room\/join".*1 to 64 characters/],
    ['a type of the server', 'sys.ping', /"sys\.ping".*"sys\." belong to the server/],
  ])('for %s', async (_, type, rule) => {
    @MessagingGateway()
    class RoomGateway {
      @claim(type)
      join(): string {
        return 'joined';
      }
    }
    const lines = await startLines(moduleOf(RoomGateway));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^RoomGateway\.join /);
    expect(lines[0]).toMatch(rule);
  });

  it('in a request-scoped gateway, an inherited method and a plain gateway of Nest alike', async () => {
    class Base {
      @claim(7)
      inherited(): void {}
    }
    @MessagingGateway()
    class DerivedGateway extends Base {}
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      constructor(@Inject(REQUEST) readonly request: unknown) {}
    }
    @MessagingGateway()
    class ScopedGateway {
      constructor(readonly perRequest: PerRequest) {}

      @claim(8)
      scoped(): void {}
    }
    @WebSocketGateway()
    class PlainGateway {
      @claim('sys.plain')
      plain(): void {}
    }
    const lines = await startLines(moduleOf(DerivedGateway, PerRequest, ScopedGateway, PlainGateway));
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'DerivedGateway.inherited',
      'ScopedGateway.scoped',
      'PlainGateway.plain',
    ]);
  });
});

describe('a type that is claimed twice ends the start', () => {
  @MessagingGateway()
  class BaseGateway {
    @SubscribeMessage('room.join')
    join(): string {
      return 'base';
    }
  }

  it('by two methods of one class', async () => {
    @MessagingGateway()
    class RoomGateway {
      @SubscribeMessage('room.join')
      first(): void {}
      @SubscribeMessage('room.join')
      second(): void {}
    }
    expect(await startLines(moduleOf(RoomGateway))).toEqual([
      'RoomGateway.second claims "room.join", which RoomGateway.first claims; a type has one handler',
    ]);
  });

  it('by two classes of two modules', async () => {
    @MessagingGateway()
    class OtherGateway {
      @SubscribeMessage('room.join')
      enter(): void {}
    }
    expect(await startLines(moduleOf(BaseGateway), moduleOf(OtherGateway))).toEqual([
      'OtherGateway.enter claims "room.join", which BaseGateway.join claims; a type has one handler',
    ]);
  });

  it('by a base class and its subclass', async () => {
    @MessagingGateway()
    class DerivedGateway extends BaseGateway {}
    expect(await startLines(moduleOf(BaseGateway, DerivedGateway))).toEqual([
      'DerivedGateway.join claims "room.join", which BaseGateway.join claims; a type has one handler',
    ]);
  });

  it('by one class that two modules provide, and the line says to export it', async () => {
    const lines = await startLines(moduleOf(BaseGateway), moduleOf(BaseGateway));
    expect(lines).toEqual([
      'BaseGateway is provided by HandlersModule and by HandlersModule; provide a gateway once and export it',
    ]);
  });

  it('together with all other faults, each in a line of its own', async () => {
    @MessagingGateway()
    class RoomGateway {
      @claim(0)
      numbered(): void {}
      @SubscribeMessage('sys.room')
      reserved(): void {}
      @SubscribeMessage('room.join')
      again(): void {}
    }
    expect(await startLines(moduleOf(BaseGateway, RoomGateway))).toHaveLength(3);
  });
});

describe('a claim', () => {
  it('that keeps the rules is served, in a scoped gateway and by inheritance too', async () => {
    enum Named {
      join = 'room.join',
    }
    class Base {
      @SubscribeMessage(Named.join)
      join(): string {
        return 'joined';
      }
    }
    @MessagingGateway()
    class FirstGateway extends Base {}
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {}
    @MessagingGateway()
    class ScopedGateway {
      constructor(readonly perRequest: PerRequest) {}

      @SubscribeMessage('x'.repeat(64))
      long(): string {
        return 'long';
      }
    }
    const server = await startServer({}, [moduleOf(PerRequest, FirstGateway, ScopedGateway)]);
    const client = await server.connect();
    client.send({ type: 'room.join', id: '1' });
    client.send({ type: 'x'.repeat(64), id: '2' });
    expect((await client.answer('1')).data).toBe('joined');
    expect((await client.answer('1')).type).toBe('sys.ack');
    expect((await client.answer('2')).data).toBe('long');
    await server.stop();
  });

  it('is refused before an application that listens by itself has a port', async () => {
    @MessagingGateway()
    class RoomGateway {
      @claim(0)
      join(): void {}
    }
    const start = async (): Promise<void> => {
      const app = await createApp({
        variables: { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...LIMITS_OFF },
        handlers: [moduleOf(RoomGateway)],
      });
      await app.listen(0, '127.0.0.1');
    };
    await expect(start()).rejects.toThrow('RoomGateway.join');
    expect(startApp).toBeTypeOf('function');
  });

  it('of a class whose hooks alone count may be provided by two modules', async () => {
    @MessagingGateway()
    class HooksGateway {
      handleConnection(): void {}
    }
    expect(await startLines(moduleOf(HooksGateway), moduleOf(HooksGateway))).toEqual([]);
  });
});
