import { PARAM_ARGS_METADATA } from '@nestjs/websockets/constants.js';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { descriptionOf, type Description } from '../../protocol/index.js';
import type { DtoClass } from './json-schema.js';

/** A message type that a handler claims. */
export interface HandlerDescriptor {
  readonly type: string;
  readonly gateway: string;
  readonly description: Description | undefined;
  /** The declared types of its `@MessageBody()` parameters; empty where the handler ignores `data`. */
  readonly bodies: readonly Body[];
  /** The class of the return value, where the declared type is a class. */
  readonly answer: DtoClass | undefined;
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
  const answer = Reflect.getMetadata('design:returntype', metatype.prototype, method) as unknown;
  return {
    type,
    gateway: metatype.name,
    description: descriptionOf(metatype, method),
    bodies: bodiesOf(metatype, method),
    answer: typeof answer === 'function' ? (answer as DtoClass) : undefined,
  };
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
