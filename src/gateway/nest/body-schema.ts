import { MessageError } from '../../protocol/index.js';
import { segmentsOf } from './field-paths.js';
import { isThenable } from '../thenable.js';

/** A schema of any library that follows https://standardschema.dev: Zod, Valibot, ArkType. */
export interface StandardSchema {
  readonly '~standard': { readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult> };
}

interface SchemaResult {
  readonly value?: unknown;
  readonly issues?: readonly { readonly message: string; readonly path?: unknown }[] | undefined;
}

/** Returns the schema of a body: that of its parameter, of its class, or of the static field `schema` of its class. */
export function schemaOf(metatype: unknown, schema: unknown): StandardSchema | undefined {
  if (schema !== undefined) return asSchema(schema);
  if (typeof metatype !== 'function') return undefined;
  return asSchema(metatype) ?? ('schema' in metatype ? asSchema(metatype.schema) : undefined);
}

/** @throws {MessageError} `invalid_message`; asynchronously where the schema is asynchronous */
export function validBySchema(schema: StandardSchema, value: unknown, path: string): unknown {
  const result = schema['~standard'].validate(value);
  return isThenable(result) ? result.then((settled) => accepted(settled, path)) : accepted(result, path);
}

function accepted({ value, issues: [issue] = [] }: SchemaResult, path: string): unknown {
  if (issue === undefined) return value;
  throw new MessageError('invalid_message', `${[path, ...segmentsOf(issue.path)].join('.')}: ${issue.message}`);
}

function asSchema(value: unknown): StandardSchema | undefined {
  const isHolder = typeof value === 'function' || (typeof value === 'object' && value !== null);
  return isHolder && '~standard' in value ? (value as StandardSchema) : undefined;
}
