import { ERROR_CODE, ERRORS, MessageError, type ErrorDetails } from '../../protocol/index.js';
import { brokenRule, isBrokenField } from './validation-text.js';

/** The text of Nest's exception when a guard returns `false`. */
const GUARD_REJECTED = 'Forbidden resource';
const BAD_REQUEST = 400;
/** Codes of the HTTP statuses from 400 to 499; the others are `refused`. */
const STATUS_CODES: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  422: 'unprocessable',
  429: 'too_many_requests',
};
const GENERAL_TEXTS: Readonly<Record<string, string>> = ERRORS;

/** Paths of the bodies that pipes have refused, by the exception of the pipe. */
const refusedBodies = new WeakMap<object, string>();

/** Records that a pipe threw this: a bad request is `invalid_message` then. @param path of the body, such as `data.user` */
export function markRefusedBody(error: unknown, path: string): void {
  if (typeof error === 'object' && error !== null) refusedBodies.set(error, path);
}

/**
 * Maps an exception of a handler, guard or pipe to the error that the client gets; `undefined` where the client gets an
 * `internal_error` and the exception is only logged. Exceptions are known by their methods and fields, because an
 * application may have a second copy of Nest or of this package.
 */
export function toMessageError(error: unknown, ref?: string): MessageError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if (isMessageError(error)) return new MessageError(error.code, error.message, ref, error.details);
  if (isHttpException(error)) return fromHttpException(error, ref);
  return hasMethod(error, 'getError') ? fromWsException(error.getError(), ref, refusedBodies.get(error)) : undefined;
}

/**
 * Returns the error to answer after an exception filter: its own error, text or code where the filter gives one, else
 * the exception that it has handled.
 *
 * @param answer what the filter returned: nothing, a text, `{ code?, message }`, `{ event, data }` or an error
 */
export function filteredError(exception: unknown, answer: unknown): unknown {
  if (answer instanceof Error) return answer;
  const content =
    typeof answer === 'object' && answer !== null && 'event' in answer && 'data' in answer ? answer.data : answer;
  const [code, text] = [codeOf(content), messageOf(content)];
  if (code === undefined && text === undefined) return toMessageError(content) === undefined ? exception : content;
  const mapped = toMessageError(exception);
  const error = new MessageError(
    code ?? mapped?.code ?? 'refused',
    text ?? mapped?.message ?? ERRORS.refused,
    undefined,
    mapped?.details,
  );
  return mapped === undefined ? Object.assign(error, { cause: exception }) : error;
}

/** Returns the unexpected exception of which a filter made this error, else the error itself. */
export function unfiltered(error: unknown): unknown {
  return error instanceof MessageError ? (error.cause ?? error) : error;
}

/** @param error argument of the exception; Nest declares a text or an object, but a handler may pass anything */
function fromWsException(error: unknown, ref: string | undefined, path: string | undefined): MessageError {
  if (error === GUARD_REJECTED) return MessageError.of('forbidden', ref);
  const general = Array.isArray(error) && error.some(isBrokenField) ? 'invalid_message' : 'refused';
  const code = codeOf(error) ?? general;
  return new MessageError(code, messageOf(error, path) ?? GENERAL_TEXTS[code] ?? ERRORS.refused, ref);
}

function fromHttpException(error: HttpExceptionShape, ref: string | undefined): MessageError | undefined {
  const status = Number(error.getStatus());
  if (!(status >= 400 && status < 500)) return undefined;
  const response = error.getResponse();
  const path = refusedBodies.get(error);
  const invalid = status === BAD_REQUEST && path !== undefined;
  const code = codeOf(response) ?? (invalid ? 'invalid_message' : (STATUS_CODES[status] ?? 'refused'));
  return new MessageError(code, messageOf(response, path) ?? GENERAL_TEXTS[code] ?? ERRORS.refused, ref);
}

/** Returns the `code` of an object where it may be the code of a `sys.error`. */
function codeOf(content: unknown): string | undefined {
  if (typeof content !== 'object' || content === null || !('code' in content)) return undefined;
  return typeof content.code === 'string' && ERROR_CODE.test(content.code) ? content.code : undefined;
}

function messageOf(content: unknown, path = 'data'): string | undefined {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return textOf(content, path);
  if (typeof content !== 'object' || content === null || !('message' in content)) return undefined;
  const { message } = content;
  return Array.isArray(message) ? textOf(message, path) : typeof message === 'string' ? message : undefined;
}

/**
 * Joins the texts of a list; an `exceptionFactory` may pass on the errors of class-validator as they are.
 *
 * @throws {TypeError} for a symbol, which has no text
 */
function textOf(items: readonly unknown[], path: string): string | undefined {
  const texts = items.flatMap((item) => {
    if (isBrokenField(item)) return [brokenRule(item, path)];
    if (typeof item === 'symbol') throw new TypeError('a symbol has no text');
    return typeof item === 'string' || typeof item === 'number' ? [`${item}`] : [];
  });
  return texts.length > 0 ? texts.join('; ') : undefined;
}

interface MessageErrorShape {
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

interface HttpExceptionShape {
  getStatus(): unknown;
  getResponse(): unknown;
}

function isMessageError(error: object): error is MessageErrorShape {
  if (error instanceof MessageError) return true;
  if (!('ref' in error) || !('details' in error) || typeof error.details !== 'object') return false;
  return codeOf(error) !== undefined && typeof messageOf(error) === 'string';
}

function isHttpException(error: object): error is HttpExceptionShape {
  return hasMethod(error, 'getStatus') && hasMethod(error, 'getResponse');
}

function hasMethod<Name extends string>(value: object, name: Name): value is { [Each in Name]: () => unknown } {
  return name in value && typeof (value as Record<string, unknown>)[name] === 'function';
}
