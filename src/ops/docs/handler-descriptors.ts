import type { ModulesContainer } from '@nestjs/core';
import { GATEWAY_METADATA, MESSAGE_METADATA, PARAM_ARGS_METADATA } from '@nestjs/websockets/constants.js';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { descriptionOf, isReserved, type Description } from '../../protocol/index.js';
import type { DtoClass } from './json-schema.js';

/** A word that a handler claims. */
export interface HandlerDescriptor {
  readonly type: string;
  readonly gateway: string;
  readonly description: Description | undefined;
  /** What its `@MessageBody()` parameters are declared as; none where it does not look at `data`. */
  readonly bodies: readonly Body[];
  /** The class of what it returns, where that is one. */
  readonly answer: DtoClass | undefined;
}

export interface Body {
  /** A field of `data`, or all of it. */
  readonly field: string | undefined;
  readonly declared: unknown;
  /** Pipes of its own, which may take less or more than its declaration says. */
  readonly pipes: readonly string[];
}

type Gateway = (abstract new () => object) & { readonly name: string };

/**
 * Finds every word that the handlers of this application claim, by the marks that Nest's decorators leave. Where two claim
 * one word the first has it, as in the handler table; a word of the server's is never a handler's.
 */
export function handlerDescriptors(modules: ModulesContainer): HandlerDescriptor[] {
  const found = new Map<string, HandlerDescriptor>();
  for (const module of modules.values())
    for (const { metatype } of module.providers.values()) {
      if (typeof metatype !== 'function' || !Reflect.hasMetadata(GATEWAY_METADATA, metatype)) continue;
      for (const word of wordsOf(metatype as Gateway))
        if (!isReserved(word.type) && !found.has(word.type)) found.set(word.type, word);
    }
  return [...found.values()];
}

function wordsOf(gateway: Gateway): HandlerDescriptor[] {
  const words: HandlerDescriptor[] = [];
  const seen = new Set<string>();
  for (let of = gateway.prototype; of !== Object.prototype; of = Object.getPrototypeOf(of) as object)
    for (const [key, { value: method }] of Object.entries(Object.getOwnPropertyDescriptors(of))) {
      if (typeof method !== 'function' || seen.has(key)) continue;
      seen.add(key);
      const type = Reflect.getMetadata(MESSAGE_METADATA, method as object) as unknown;
      if (typeof type === 'string') words.push(wordOf(gateway, key, type));
    }
  return words;
}

function wordOf(gateway: Gateway, key: string, type: string): HandlerDescriptor {
  const { prototype } = gateway as { readonly prototype: object };
  const answer = Reflect.getMetadata('design:returntype', prototype, key) as unknown;
  return {
    type,
    gateway: gateway.name,
    description: descriptionOf(gateway, key),
    bodies: bodiesOf(gateway, prototype, key),
    answer: typeof answer === 'function' ? (answer as DtoClass) : undefined,
  };
}

function bodiesOf(gateway: Gateway, prototype: object, key: string): Body[] {
  const parameters = (Reflect.getMetadata(PARAM_ARGS_METADATA, gateway, key) ?? {}) as Readonly<
    Record<string, { readonly index: number; readonly data?: unknown; readonly pipes?: readonly object[] }>
  >;
  const declared = (Reflect.getMetadata('design:paramtypes', prototype, key) ?? []) as readonly unknown[];
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
