import { HttpException } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { throwError, type Observable } from 'rxjs';
import { MessageError, MessagingGateway } from '../../src/index.js';

const nameless = undefined as unknown as string;

class Touchy extends Error {
  override get message(): string {
    throw new Error('the message getter failed');
  }
  override get stack(): string {
    throw new Error('the stack getter failed');
  }
}

class TouchyWsException extends WsException {
  override getError(): never {
    throw new Error('getError failed');
  }
}

function circle(): object {
  const ring: { next?: object } = {};
  ring.next = ring;
  return ring;
}

function failAccess(): never {
  throw new Error('no access');
}

/** Values that handlers should not throw, and the error code that the client gets. */
export const BAD_THROWS: Readonly<Record<string, readonly [code: string, thrown: () => unknown]>> = {
  'a WsException of nothing': ['refused', () => new WsException(nameless)],
  'a WsException of null': ['refused', () => new WsException(null as unknown as string)],
  'a WsException of a number': ['refused', () => new WsException(5 as unknown as string)],
  'a WsException that cannot be asked': ['internal_error', () => new TouchyWsException('x')],
  'a bad request of nothing': ['refused', () => new HttpException(nameless, 400)],
  'a bad request of null': ['refused', () => new HttpException(null as unknown as string, 400)],
  'a bad request with symbols': ['internal_error', () => new HttpException({ message: [Symbol('x')] }, 400)],
  'an object without a prototype': ['internal_error', () => Object.create(null)],
  'a symbol': ['internal_error', () => Symbol('x')],
  'a proxy that throws': [
    'internal_error',
    () => new Proxy({}, { get: failAccess, getPrototypeOf: failAccess, has: failAccess }),
  ],
  'an error whose getters throw': ['internal_error', () => new Touchy()],
  'an error whose stack is a symbol': [
    'internal_error',
    () => Object.defineProperty(new Error('x'), 'stack', { value: Symbol('x') }),
  ],
  'a fault with a big integer': [
    'internal_error',
    () => new MessageError('mine', 'x', undefined, { retryAfterMs: 1n as never }),
  ],
  'a fault with a circle': ['internal_error', () => new MessageError('mine', 'x', undefined, circle())],
};

/** Handlers that throw those values. */
@MessagingGateway()
export class ThrowsGateway {
  @SubscribeMessage('t.throw')
  throw(@MessageBody() kind: string): never {
    throw BAD_THROWS[kind]![1]();
  }

  @SubscribeMessage('t.stream')
  stream(@MessageBody() kind: string): Observable<never> {
    return throwError(() => BAD_THROWS[kind]![1]());
  }

  @SubscribeMessage('t.well')
  well(): string {
    return 'still here';
  }
}
