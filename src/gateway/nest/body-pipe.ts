import { Injectable, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { PIPES_METADATA } from '@nestjs/common/constants.js';
import type { ValidationError } from 'class-validator';
import { MessageError } from '../../protocol/index.js';
import { brokenRule } from '../dispatch/validation-text.js';
import { BodyShape } from './body-shape.js';
import { schemaOf, validBySchema } from './body-schema.js';
import { brokenRules, firstErrors } from './first-error.js';
import { FreeValues } from './free-values.js';
import { isThenable } from '../thenable.js';

/** Types that a parameter may declare beside a class, and `typeof` of their values. */
const PRIMITIVES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
]);

/** Returns the path of a body in the message, for the errors that name it: `data`, or `data.user` for one field. */
export function pathOf(field: string | undefined): string {
  return field === undefined ? 'data' : `data.${field}`;
}

/** Describes the pipes of the team that a body has passed. */
export interface PassedPipes {
  /** Whether a validating pipe of the team has replaced the check of the class. */
  readonly validated: boolean;
  /** Whether a pipe of the class, method or parameter may have replaced the value. */
  readonly changed: boolean;
}

const NO_PIPES: PassedPipes = { validated: false, changed: false };

/**
 * Checks the body of a handler against the declared type of its parameter, after all pipes of the team. Marks the
 * gateways of this server, too: the pipes in front of it are the global ones.
 */
@Injectable()
export class BodyPipe implements PipeTransform {
  // Not async, because that would allocate one more promise for each message.
  /** @throws {MessageError} `invalid_message`; asynchronously where a rule is asynchronous */
  transform(value: unknown, { metatype, data, schema }: ArgumentMetadata, passed: PassedPipes = NO_PIPES): unknown {
    const standard = schemaOf(metatype, schema);
    if (standard !== undefined) return passed.validated ? value : validBySchema(standard, value, pathOf(data));
    if (metatype === undefined || (metatype as unknown) === Object) return value;
    if (value == null && passed.changed) return value;
    const primitive = PRIMITIVES.get(metatype);
    if (primitive !== undefined) return typed(value, primitive, data);
    if ((metatype as unknown) === Array) return listed(value, data);
    if (passed.validated || (passed.changed && BodyShape.of(metatype).isEmpty)) return value;
    // A parsed text is never an instance of a class: a pipe of the team has made it, so that it is only checked.
    if (value instanceof metatype) return settled(value as object, brokenRules(value as object), pathOf(data));
    return validated(metatype, value ?? {}, pathOf(data));
  }
}

/** The pipe of all gateways of this server. */
export const BODY_PIPE = new BodyPipe();

/** Puts {@link BODY_PIPE} in front of the pipes of a class, once, also where the class extends another gateway. */
export function useBodyPipe(target: object): void {
  const pipes = (Reflect.getMetadata(PIPES_METADATA, target) ?? []) as readonly unknown[];
  Reflect.defineMetadata(PIPES_METADATA, [BODY_PIPE, ...pipes.filter((pipe) => pipe !== BODY_PIPE)], target);
}

function typed(value: unknown, type: string, field: string | undefined): unknown {
  if (typeof value === type) return value;
  throw new MessageError('invalid_message', `${pathOf(field)} must be a ${type}`);
}

function listed(value: unknown, field: string | undefined): unknown {
  if (Array.isArray(value)) return value;
  throw new MessageError('invalid_message', `${pathOf(field)} must be an array`);
}

function validated(dto: Type, value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MessageError('invalid_message', `${path} must be an object`);
  const freeValues = new FreeValues();
  const shape = BodyShape.of(dto);
  const unknown = shape.unknownField(value, freeValues);
  if (unknown !== undefined) throw new MessageError('invalid_message', `${path}${unknown} should not exist`);
  const instance = shape.instanceOf(value);
  freeValues.restore(instance);
  return settled(instance, firstErrors(instance), path);
}

function settled(instance: object, errors: ValidationError[] | Promise<ValidationError[]>, path: string): unknown {
  return isThenable(errors)
    ? errors.then((found) => accepted(instance, found, path))
    : accepted(instance, errors, path);
}

function accepted(instance: object, errors: readonly ValidationError[], path: string): object {
  const [error] = errors;
  if (error !== undefined) throw new MessageError('invalid_message', brokenRule(error, path));
  return instance;
}
