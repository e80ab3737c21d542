import { Catch, Module, UseFilters, UsePipes, ValidationPipe, type ExceptionFilter } from '@nestjs/common';
import { BadRequestException } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { Type } from 'class-transformer';
import { IsInt, ValidateNested } from 'class-validator';
import { NEVER, throwError, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

@Catch()
class PendingFilter implements ExceptionFilter {
  catch(): Promise<never> {
    return new Promise(() => undefined);
  }
}

@Catch()
class SilentFilter implements ExceptionFilter {
  catch(): Observable<never> {
    return NEVER;
  }
}

class SizeDto {
  @IsInt()
  sides!: number;
}

class DiceDto {
  @ValidateNested()
  @Type(() => SizeDto)
  size!: SizeDto;
}

@MessagingGateway()
class FailingGateway {
  @UseFilters(PendingFilter)
  @SubscribeMessage('f.observable')
  observable(): Observable<never> {
    return throwError(() => new Error('no'));
  }

  @UseFilters(SilentFilter)
  @SubscribeMessage('f.generator')
  // eslint-disable-next-line require-yield
  async *generator(): AsyncGenerator<never> {
    throw new Error('no');
  }

  @UseFilters(PendingFilter)
  @SubscribeMessage('f.throws')
  throws(): never {
    throw new Error('no');
  }

  @UsePipes(new ValidationPipe({ exceptionFactory: (errors) => new WsException(errors) }))
  @SubscribeMessage('v.ws')
  ws(@MessageBody() dice: DiceDto): unknown {
    return dice;
  }

  @UsePipes(new ValidationPipe({ exceptionFactory: (errors) => new WsException(errors) }))
  @SubscribeMessage('v.field')
  field(@MessageBody('size') size: SizeDto): unknown {
    return size;
  }

  @SubscribeMessage('v.text')
  text(@ConnectedSocket() socket: WebSocket): void {
    socket.send('{"type":"said","sender":"server","other":1}');
  }

  @SubscribeMessage('v.odd')
  odd(): never {
    throw new WsException([{ property: 'age', constraints: { min: 18 }, children: 'none' }]);
  }

  @UsePipes(new ValidationPipe({ exceptionFactory: (errors) => new BadRequestException(errors) }))
  @SubscribeMessage('v.http')
  http(@MessageBody() dice: DiceDto): unknown {
    return dice;
  }
}

@Module({ providers: [FailingGateway] })
class FailingModule {}

describe('a failed message', () => {
  let server: TestServer;
  let client: Client;

  beforeAll(async () => {
    server = await startServer({ HANDLER_TIMEOUT_MS: '100', DRAIN_TIMEOUT_MS: '500' }, [FailingModule]);
    client = await server.connect();
  });
  afterAll(() => server.stop());

  it.each(['f.observable', 'f.generator', 'f.throws'])(
    'is answered although its filter never settles: %s',
    async (type) => {
      client.send({ type, id: type });
      expect(await client.answer(type)).toMatchObject({ type: 'sys.error', data: { code: 'internal_error' } });
    },
  );

  it.each(['v.ws', 'v.http', 'v.field'])(
    'names the field where a factory passes on the errors of class-validator: %s',
    async (type) => {
      client.send({ type, id: type, data: { size: { sides: 'x' } } });
      expect((await client.answer(type)).data).toEqual({
        code: 'invalid_message',
        message: 'data.size.sides must be an integer number',
      });
    },
  );

  it('is answered where a list of errors has another form', async () => {
    client.send({ type: 'v.odd', id: 'o' });
    expect((await client.answer('o')).data).toEqual({ code: 'invalid_message', message: 'data.age is wrong' });
  });

  it('lets frames of the gateway pass again once its filter has timed out', async () => {
    client.send({ type: 'f.throws', id: 'f' });
    await client.answer('f');
    client.send({ type: 'v.text' });
    expect(await client.next('said')).toMatchObject({ sender: 'server' });
  });
});
