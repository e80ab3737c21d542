import { PARAM_ARGS_METADATA } from '@nestjs/websockets/constants.js';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { Observable } from 'rxjs';
import { descriptionOf, type Description, type DtoClass, type ValueType } from '../../protocol/index.js';

/** A message type that a handler claims. */
export interface HandlerDescriptor {
  readonly type: string;
  readonly gateway: string;
  readonly description: Description | undefined;
  /** The declared types of its `@MessageBody()` parameters; empty where the handler ignores `data`. */
  readonly bodies: readonly Body[];
  readonly answers: Answers;
}

export interface Answers {
  /** `none` for a handler that only acknowledges. */
  readonly count: 'none' | 'one' | 'several';
  /** The described type, or the declared type of the return value; `undefined` where neither is known. */
  readonly type?: ValueType | undefined;
}

export interface Body {
  /** A field of `data`; `undefined` for all of `data`. */
  readonly field: string | undefined;
  readonly declared: unknown;
  /** Names of the parameter's own pipes, which may accept other values than the declared type. */
  readonly pipes: readonly string[];
}

/** A gateway class and its `@SubscribeMessage` methods. */
export interface Gateway {
  readonly metatype: { readonly name: string; readonly prototype: object };
  readonly handlers: readonly { readonly type: string; readonly method: string }[];
}

/**
 * Lists the gateways of the application. `app.module.ts` binds the explorer, because `ops/` may not import `gateway/`.
 */
export abstract class GatewayList {
  abstract gateways(): readonly Gateway[];
}

/** Describes every message type that a handler claims. The start has checked that types are valid and distinct. */
export function handlerDescriptors(gateways: readonly Gateway[]): HandlerDescriptor[] {
  return gateways.flatMap(({ metatype, handlers }) =>
    handlers.map(({ type, method }) => describeHandler(metatype, type, method)),
  );
}

function describeHandler(metatype: Gateway['metatype'], type: string, method: string): HandlerDescriptor {
  const description = descriptionOf(metatype, method);
  return {
    type,
    gateway: metatype.name,
    description,
    bodies: bodiesOf(metatype, method),
    answers: answersOf(metatype, method, description),
  };
}

function answersOf({ prototype }: Gateway['metatype'], method: string, { answer, stream }: Description = {}): Answers {
  if (stream !== undefined) return { count: 'several', type: stream };
  if (answer === null) return { count: 'none' };
  if (answer !== undefined) return { count: 'one', type: answer };
  const declared = Reflect.getMetadata('design:returntype', prototype, method) as unknown;
  if (isGenerator((prototype as Record<string, unknown>)[method]) || isObservable(declared))
    return { count: 'several' };
  return { count: 'one', type: typeof declared === 'function' ? (declared as DtoClass) : undefined };
}

function isGenerator(method: unknown): boolean {
  return /^\[object (Async)?GeneratorFunction\]$/.test(Object.prototype.toString.call(method));
}

function isObservable(declared: unknown): boolean {
  return declared === Observable || (typeof declared === 'function' && declared.prototype instanceof Observable);
}

function bodiesOf(metatype: Gateway['metatype'], method: string): Body[] {
  const parameters = (Reflect.getMetadata(PARAM_ARGS_METADATA, metatype, method) ?? {}) as Readonly<
    Record<string, { readonly index: number; readonly data?: unknown; readonly pipes?: readonly object[] }>
  >;
  const declared = (Reflect.getMetadata('design:paramtypes', metatype.prototype, method) ?? []) as readonly unknown[];
  return Object.entries(parameters)
    .filter(([kind]) => kind.startsWith(`${WsParamtype.PAYLOAD}:`))
    .map(([, { index, data, pipes = [] }]) => ({
      field: typeof data === 'string' ? data : undefined,
      declared: declared[index],
      pipes: pipes.map((pipe) =>
        typeof pipe === 'function' ? (pipe as { name: string }).name : pipe.constructor.name,
      ),
    }));
}
