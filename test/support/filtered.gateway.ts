import {
  BadRequestException,
  Catch,
  ConflictException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import {
  BaseWsExceptionFilter,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { setImmediate as turn } from 'node:timers/promises';
import { catchError, concat, EMPTY, of, throwError, type Observable } from 'rxjs';
import { MessageError, MessagingGateway } from '../../src/index.js';

/** Filters that were asked, in order. */
export const asked: string[] = [];

/** Makes a filter that notes its name and then does what it is for. */
function filter(
  name: string,
  answer: (error: Error, host: ArgumentsHost) => unknown = () => undefined,
  ...types: Type[]
): ExceptionFilter {
  @Catch(...types)
  class Filter implements ExceptionFilter {
    catch(error: Error, host: ArgumentsHost): unknown {
      asked.push(name);
      return answer(error, host);
    }
  }
  return new Filter();
}

function sendByHand(host: ArgumentsHost, frame: object): void {
  host.switchToWs().getClient<{ send(text: string): void }>().send(JSON.stringify(frame));
}

/** Filters of a `WsException('no')`, each with the error that the client gets. */
export const FILTERS: Readonly<Record<string, readonly [expected: object, filter: ExceptionFilter]>> = {
  'does nothing': [{ code: 'refused', message: 'no' }, filter('nothing')],
  'returns a text': [{ code: 'refused', message: 'closed today' }, filter('text', () => 'closed today')],
  'returns a code and a text': [
    { code: 'sold_out', message: 'none left' },
    filter('code', () => ({ code: 'sold_out', message: 'none left' })),
  ],
  'returns a code alone': [{ code: 'sold_out', message: 'no' }, filter('code', () => ({ code: 'sold_out' }))],
  'returns texts': [{ code: 'refused', message: 'a; b' }, filter('texts', () => ({ message: ['a', 'b'] }))],
  'returns an event with a text': [
    { code: 'refused', message: 'oops: no' },
    filter('event', ({ message }) => ({ event: 'oops', data: `oops: ${message}` })),
  ],
  'returns an event with a code': [
    { code: 'mine', message: 'not now' },
    filter('event', () => ({ event: 'exception', data: { status: 'error', code: 'mine', message: 'not now' } })),
  ],
  'returns an event without a text': [
    { code: 'refused', message: 'no' },
    filter('event', () => ({ event: 'x', data: 5 })),
  ],
  'returns a WsException': [{ code: 'refused', message: 'other' }, filter('error', () => new WsException('other'))],
  'throws a WsException': [
    { code: 'mine', message: 'other' },
    filter('throws', () => {
      throw new WsException({ code: 'mine', message: 'other' });
    }),
  ],
  'throws a MessageError': [
    { code: 'unavailable', message: 'later' },
    filter('throws', () => {
      throw new MessageError('unavailable', 'later');
    }),
  ],
  'throws an HttpException': [
    { code: 'conflict', message: 'taken' },
    filter('throws', () => {
      throw new ConflictException('taken');
    }),
  ],
  'throws the same exception': [
    { code: 'refused', message: 'no' },
    filter('throws', (error) => {
      throw error;
    }),
  ],
  'fails itself': [
    { code: 'internal_error' },
    filter('fails', () => {
      throw new TypeError('a mistake of the filter');
    }),
  ],
  'resolves with a text': [
    { code: 'refused', message: 'later' },
    filter('promise', async () => {
      await turn();
      return 'later';
    }),
  ],
  'rejects later': [
    { code: 'mine', message: 'later' },
    filter('promise', async () => {
      await turn();
      throw new WsException({ code: 'mine', message: 'later' });
    }),
  ],
  'returns an observable of an error': [
    { code: 'refused', message: 'no' },
    filter('observable', (error) => throwError(() => error)),
  ],
  'returns an observable of a text': [{ code: 'refused', message: 'seen' }, filter('observable', () => of('seen'))],
  'returns an empty observable': [{ code: 'refused', message: 'no' }, filter('observable', () => EMPTY)],
  'is the one of Nest': [{ code: 'refused', message: 'no' }, new BaseWsExceptionFilter()],
  'sends a frame that is no envelope': [
    { code: 'refused', message: 'no' },
    filter('by hand', (_, host) => sendByHand(host, { event: 'error', data: 'no' })),
  ],
  'sends a frame that is no envelope later': [
    { code: 'refused', message: 'no' },
    filter('by hand', async (_, host) => {
      await turn();
      sendByHand(host, { event: 'error', data: 'no' });
    }),
  ],
  'waits until its frame that is no envelope is sent': [
    { code: 'refused', message: 'not sent: client.send in an exception filter sends envelopes only' },
    filter('by hand', async (_, host) => {
      const client = host.switchToWs().getClient<{ send(text: string, done: (error?: Error) => void): void }>();
      const error = await new Promise<Error | undefined>((done) => client.send('{"event":"error"}', done));
      return `not sent: ${error?.message.split(';')[0]}`;
    }),
  ],
};

/** Handlers that fail behind one filter: at once, and after the first value of an observable. */
export function filteredGateway(name: string, behind: ExceptionFilter, plain: boolean): Type {
  class Filtered {
    @UseFilters(behind)
    @SubscribeMessage(`${name}.at-once`)
    atOnce(): never {
      throw new WsException('no');
    }

    @UseFilters(behind)
    @SubscribeMessage(`${name}.stream`)
    stream(): Observable<unknown> {
      return concat(
        of(1),
        throwError(() => new WsException('no')),
      );
    }
  }
  (plain ? WebSocketGateway() : MessagingGateway())(Filtered);
  return Filtered;
}

class NoGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

class CatchAll implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: Error) => of({ caught: error.message })));
  }
}

class CatchSilently implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError(() => EMPTY));
  }
}

/** Filters of the class stand above the decorator of the gateway, and of the method in the order of Nest. */
@UseFilters(filter('class'), filter('class for requests', undefined, BadRequestException))
@MessagingGateway()
export class AboveGateway {
  @SubscribeMessage('above.class')
  class(): never {
    throw new WsException('no');
  }

  @UseFilters(filter('method'))
  @SubscribeMessage('above.method')
  method(): never {
    throw new WsException('no');
  }

  @UseFilters(filter('method for requests', () => 'seen', BadRequestException))
  @SubscribeMessage('above.other')
  other(@MessageBody() request: boolean): never {
    throw request ? new BadRequestException('bad') : new WsException('no');
  }

  @UseGuards(NoGuard)
  @SubscribeMessage('above.guard')
  guard(): string {
    return 'never returned';
  }

  @UseInterceptors(CatchAll)
  @SubscribeMessage('above.caught')
  caught(): never {
    throw new Error('boom');
  }

  @UseInterceptors(CatchSilently)
  @SubscribeMessage('above.silent')
  silent(): never {
    throw new Error('boom');
  }
}

/** The same below it. */
@MessagingGateway()
@UseFilters(filter('below'))
export class BelowGateway {
  @SubscribeMessage('below.class')
  class(): never {
    throw new WsException('no');
  }
}

/** A gateway of Nest without filters. */
@WebSocketGateway()
export class PlainGateway {
  @SubscribeMessage('plain.ws')
  ws(): never {
    throw new WsException('no');
  }

  @SubscribeMessage('plain.error')
  error(): never {
    throw new Error('secret');
  }

  @SubscribeMessage('plain.well')
  well(): string {
    return 'well';
  }
}
