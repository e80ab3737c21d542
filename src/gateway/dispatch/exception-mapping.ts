import { ForbiddenException, HttpException, UnauthorizedException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { ERROR_CODE, ERRORS, MessageError } from '../../protocol/index.js';

/** The text of Nest's exception when a guard returns `false`. */
const GUARD_REJECTED = 'Forbidden resource';

/**
 * Maps an exception of a handler, guard or pipe to the error that the client gets; `undefined` where the client gets an
 * `internal_error` and the exception is only logged.
 */
export function toMessageError(error: unknown, ref: string | undefined): MessageError | undefined {
  if (error instanceof MessageError) return new MessageError(error.code, error.message, ref, error.details);
  if (error instanceof WsException) return fromWsException(error.getError(), ref);
  if (error instanceof ForbiddenException || error instanceof UnauthorizedException)
    return MessageError.of('forbidden', ref);
  if (error instanceof HttpException && error.getStatus() === 400)
    return new MessageError('invalid_message', messageOf(error.getResponse()) ?? ERRORS.invalid_message, ref);
  return undefined;
}

/** @param error argument of the exception; Nest declares a text or an object, but a handler may pass anything */
function fromWsException(error: unknown, ref: string | undefined): MessageError {
  if (error === GUARD_REJECTED) return MessageError.of('forbidden', ref);
  if (typeof error === 'string') return new MessageError('refused', error, ref);
  if (typeof error !== 'object' || error === null) return MessageError.of('refused', ref);
  const code =
    'code' in error && typeof error.code === 'string' && ERROR_CODE.test(error.code) ? error.code : 'refused';
  return new MessageError(code, messageOf(error) ?? ERRORS.refused, ref);
}

function messageOf(response: unknown): string | undefined {
  if (typeof response === 'string') return response;
  if (typeof response !== 'object' || response === null || !('message' in response)) return undefined;
  const { message } = response;
  return Array.isArray(message) ? message.join('; ') : typeof message === 'string' ? message : undefined;
}
