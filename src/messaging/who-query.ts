import { validateSync } from 'class-validator';
import { MessageError, WhoDto } from '../protocol/index.js';

/**
 * Reads the `data` of `sys.who`.
 *
 * @param data raw JSON text
 * @param ref the `id` of the request
 * @throws {MessageError} `invalid_message`
 */
export function whoQuery(data: string | undefined, ref: string | undefined): WhoDto {
  // Most requests have no data. Skip validation, because thousands of them must not delay other sessions.
  if (data === undefined) return {};
  const body: unknown = JSON.parse(data);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new MessageError('invalid_message', 'data must be an object', ref);
  // Destructured and not assigned, because a key such as `__proto__` would change what is checked.
  const { after, limit, ...others } = body as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new MessageError('invalid_message', `data.${unknown.slice(0, 64)} is not known`, ref);
  const query = Object.assign(new WhoDto(), { after, limit });
  const [error] = validateSync(query, { stopAtFirstError: true });
  if (error === undefined)
    return { ...(query.after != null && { after: query.after }), ...(query.limit != null && { limit: query.limit }) };
  const problem = Object.values(error.constraints ?? {})[0];
  throw new MessageError('invalid_message', problem ?? 'data is wrong', ref);
}
