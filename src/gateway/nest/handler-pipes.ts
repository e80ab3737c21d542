import {
  ParseArrayPipe,
  StandardSchemaValidationPipe,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { PipesConsumer } from '@nestjs/core/internal';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { markRefusedBody } from '../dispatch/exception-mapping.js';
import { BODY_PIPE, pathOf } from './body-pipe.js';
import { BodyShape } from './body-shape.js';
import { addPath, addPathOfParsing, namesItem } from './field-paths.js';

/** An argument of a handler as Nest describes it: its type is a number, or a text for own decorators. */
type Argument = Omit<ArgumentMetadata, 'type'> & { readonly type: unknown };

/** Passes a value through pipes; returns a promise where one of them must be awaited. */
type Passage = (value: unknown) => unknown;

const nest = new PipesConsumer();

/**
 * Joins the pipes of an argument in Nest's order: global, class, method, parameter. They transform a body once:
 * of the pipes that validate, the one closest to the parameter runs, and no global one. {@link BODY_PIPE} checks the
 * result. Arguments of other gateways are left to Nest. Marks the exceptions with which pipes refuse a body. `undefined`
 * where no pipe has anything to do.
 */
export function pipesOf(argument: Argument, pipes: readonly PipeTransform[]): Passage | undefined {
  if (pipes.length === 0) return undefined;
  const { metatype, data, schema } = argument;
  const path = pathOf(data);
  const globals = pipes.indexOf(BODY_PIPE);
  if (globals < 0) return (value) => marked(nest.apply(value, argument as never, pipes as PipeTransform[]), path);
  const isBody = argument.type === WsParamtype.PAYLOAD;
  const metadata = { type: isBody ? 'body' : 'custom', metatype, data, schema } as ArgumentMetadata;
  if (!isBody) return pipes.length > 1 ? (value) => marked(pass(value, metadata, pipes), path) : undefined;
  if (pipes.length > 1) return (value) => marked(passBody(value, metadata, pipes, globals), path);
  return (value) => BODY_PIPE.transform(value, metadata);
}

async function marked(passing: Promise<unknown>, path: string): Promise<unknown> {
  try {
    return await passing;
  } catch (error) {
    markRefusedBody(error, path);
    throw error;
  }
}

/** Checks a body after its pipes. @param globals number of global pipes, which are the first */
async function passBody(
  body: unknown,
  metadata: ArgumentMetadata,
  pipes: readonly PipeTransform[],
  globals: number,
): Promise<unknown> {
  const isActive = (pipe: PipeTransform): boolean =>
    validates(pipe) && (metadata.schema !== undefined || !(pipe instanceof StandardSchemaValidationPipe));
  const validator = pipes.findLastIndex((pipe, index) => index > globals && isActive(pipe));
  const running = pipes.filter((pipe, index) => index === validator || !validates(pipe));
  const value = await pass(body, metadata, running);
  const changed = running.slice(running.indexOf(BODY_PIPE) + 1).some((pipe) => !validates(pipe));
  return BODY_PIPE.transform(value, metadata, { validated: validator >= 0, changed });
}

/** Passes a value through all pipes but {@link BODY_PIPE}. Those in front of it are the global ones. */
async function pass(argument: unknown, metadata: ArgumentMetadata, pipes: readonly PipeTransform[]): Promise<unknown> {
  const forControllers = { ...metadata, metatype: withoutClass(metadata.metatype) };
  let isGlobal = true;
  let value = await argument;
  for (const pipe of pipes) {
    if (pipe === BODY_PIPE) isGlobal = false;
    else if (!isGlobal) value = await transformed(pipe, value, metadata);
    else if (!validates(pipe)) value = await transformed(pipe, value, forControllers);
  }
  return value;
}

/** Hides a class from global pipes, because a pipe that makes an object of the class would make it a first time. */
function withoutClass(metatype: ArgumentMetadata['metatype']): ArgumentMetadata['metatype'] {
  const isPlain = [String, Number, Boolean, Array, undefined].some((each) => each === metatype);
  return isPlain ? metatype : Object;
}

/** Returns whether a pipe validates by the declared class: Nest's ValidationPipe, and pipes written like it. */
export function validates(pipe: unknown): boolean {
  return typeof pipe === 'object' && pipe !== null && 'toValidate' in pipe && typeof pipe.toValidate === 'function';
}

/** Runs one pipe, and puts the path of the body into the exception of a pipe that validates. */
async function transformed(pipe: PipeTransform, value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
  try {
    return (await pipe.transform(value, { ...metadata })) as unknown;
  } catch (error) {
    if (metadata.type !== 'body') throw error;
    const isOfItems = pipe instanceof ParseArrayPipe && Array.isArray(value);
    if (isOfItems && !namesItem(error)) throw await itemError(pipe, value as unknown[], metadata, error);
    if (isOfItems || validates(pipe)) addPath(error, pathOf(metadata.data), fieldsOf(metadata.metatype));
    else addPathOfParsing(error, pathOf(metadata.data));
    throw error;
  }
}

/** Returns the exception of the first bad item with the path of that item, which Nest's own exception does not name. */
async function itemError(
  pipe: ParseArrayPipe,
  items: readonly unknown[],
  metadata: ArgumentMetadata,
  error: unknown,
): Promise<unknown> {
  for (const [index, item] of items.entries())
    try {
      await pipe.transform([item], metadata);
    } catch (first) {
      addPath(first, `${pathOf(metadata.data)}.${index}`, () => true);
      return first;
    }
  return error;
}

function fieldsOf(metatype: unknown): (name: string) => boolean {
  if (typeof metatype !== 'function' || metatype === Object || metatype === Array) return () => true;
  const shape = BodyShape.of(metatype as new () => object);
  return (name) => shape.has(name);
}
