import { MessageError, type ServerRequest } from '../protocol/index.js';

/**
 * Checks a request that has no `data`; `null` and an object without fields are allowed.
 *
 * @throws {MessageError} `invalid_message` for any other `data`
 */
export function checkNoData({ type, data, id }: ServerRequest): void {
  if (data === undefined) return;
  const body: unknown = JSON.parse(data);
  if (body === null || (typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0)) return;
  throw new MessageError('invalid_message', `data of ${type} must be absent or empty`, id);
}
