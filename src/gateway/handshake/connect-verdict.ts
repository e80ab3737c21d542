import { validateHeaderName, validateHeaderValue } from 'node:http';
import { HANDSHAKE_REJECTIONS } from '../../protocol/index.js';
import { toUser, USER_RULE, type Credentials } from '../../sessions/identity.js';
import type { HandshakeRejection } from '../http/rejection.js';
import type { ConnectIdentity, ConnectRefusal, RefusalStatus } from './connect-guard.js';

/** `Retry-After` of a 429 whose refusal names none. */
const RETRY_AFTER_SECONDS = 5;
/** Headers that belong to the form of the response. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'upgrade',
]);

/** The methods of `HttpException` and of `WsException`. */
type NestException = Partial<Record<'getStatus' | 'getResponse' | 'getError', unknown>>;

/**
 * Reads what a `ConnectGuard` has returned.
 *
 * @param credentials those of the token, which `true` admits
 * @throws {TypeError} for any other value, because a client that nothing has admitted must stay outside
 */
export function readVerdict(verdict: unknown, credentials: Credentials): Credentials | HandshakeRejection {
  if (verdict === true) return credentials;
  if (verdict === false) return refusal(403);
  if (typeof verdict !== 'object' || verdict === null)
    throw new TypeError('ConnectGuard must return true, false, { user } or { status, message }');
  return 'status' in verdict ? readRefusal(verdict as ConnectRefusal) : readIdentity(verdict as ConnectIdentity);
}

/**
 * Maps an exception of a `ConnectGuard` to a refusal; `undefined` for an exception that is a failure. Exceptions of Nest
 * are known by their methods, because an application may have a copy of Nest of its own.
 */
export function refusalOf(error: unknown): HandshakeRejection | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { getStatus, getResponse, getError } = error as NestException;
  if (typeof getError === 'function') return refusal(403, textOf(getError.call(error)));
  if (typeof getStatus !== 'function' || typeof getResponse !== 'function') return undefined;
  const status: unknown = getStatus.call(error);
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  return refusal(isRefusalStatus(status) ? status : 403, textOf(getResponse.call(error)));
}

function readIdentity({ user: given, claims, expiresAt }: ConnectIdentity): Credentials | HandshakeRejection {
  const user = toUser(given);
  if (user === undefined) throw new TypeError(`user of ConnectGuard must be ${USER_RULE}`);
  if (claims !== undefined && (typeof claims !== 'object' || claims === null || Array.isArray(claims)))
    throw new TypeError('claims of ConnectGuard must be an object');
  if (expiresAt !== undefined && !Number.isFinite(expiresAt))
    throw new TypeError('expiresAt of ConnectGuard must be seconds since 1970');
  if (expiresAt !== undefined && expiresAt * 1000 <= Date.now()) return refusal(401, 'The login has expired.');
  return {
    user,
    claims: claims && Object.freeze({ ...claims }),
    expiresAt: expiresAt && Math.floor(expiresAt),
    byGuard: true,
  };
}

function readRefusal({ status, message, headers = {}, retryAfterSeconds }: ConnectRefusal): HandshakeRejection {
  if (!isRefusalStatus(status)) throw new TypeError('status of ConnectGuard must be 401, 403 or 429');
  if (retryAfterSeconds !== undefined && !Number.isFinite(retryAfterSeconds))
    throw new TypeError('retryAfterSeconds of ConnectGuard must be a number of seconds');
  for (const [name, value] of Object.entries(headers)) {
    if (retryAfterSeconds !== undefined && name.toLowerCase() === 'retry-after')
      throw new TypeError('ConnectGuard must set retryAfterSeconds or the header Retry-After, not both');
    validateHeaderName(name);
    validateHeaderValue(name, String(value));
    if (OWN_HEADERS.has(name.toLowerCase())) throw new TypeError(`ConnectGuard must not set the header ${name}`);
  }
  return refusal(status, message, {
    ...headers,
    ...(retryAfterSeconds !== undefined && { 'Retry-After': Math.max(1, Math.ceil(retryAfterSeconds)) }),
  });
}

/** @param message replaces the general text; any value that is not a text is ignored */
function refusal(
  status: RefusalStatus,
  message?: unknown,
  headers: Readonly<Record<string, string | number>> = {},
): HandshakeRejection {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  return {
    code: 'refused',
    status,
    ...(typeof message === 'string' && message !== '' && { message, reason: message }),
    headers: {
      // RFC 9110, 15.5.2: a 401 names a scheme.
      ...(status === 401 && !names.has('www-authenticate') && { 'WWW-Authenticate': 'Bearer' }),
      ...(status === 429 && !names.has('retry-after') && { 'Retry-After': RETRY_AFTER_SECONDS }),
      ...headers,
    },
  };
}

function isRefusalStatus(status: unknown): status is RefusalStatus {
  return HANDSHAKE_REJECTIONS.refused.statuses.some((each) => each === status);
}

function textOf(response: unknown): unknown {
  if (typeof response !== 'object' || response === null || !('message' in response)) return response;
  return Array.isArray(response.message) ? response.message.join('; ') : response.message;
}
