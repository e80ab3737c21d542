import type { ApplicationConfig, ContextId, NestContainer } from '@nestjs/core';
// Nest has no public way to call a handler of a gateway without its own treatment of exceptions.
import {
  GuardsConsumer,
  GuardsContextCreator,
  InterceptorsContextCreator,
  PipesConsumer,
  PipesContextCreator,
  STATIC_CONTEXT,
} from '@nestjs/core/internal';
import { WsContextCreator } from '@nestjs/websockets/context/ws-context-creator.js';
import { WsProxy } from '@nestjs/websockets/context/ws-proxy.js';
import { isThenable } from '../thenable.js';
import type { HandlerArguments, HandlerFiltersContext } from './exception-filters.js';
import type { HandlerInterceptors } from './handler-interceptors.js';
import { pipesOf } from './handler-pipes.js';
import type { HandlerProxy, Target } from './handler-proxy.js';

/** Parameters of the constructor of `WsContextCreator` in the supported versions of Nest. */
const CREATOR_PARAMETERS = 8;

type Method = (...parameters: unknown[]) => unknown;

/** A parameter of a handler, whose pipes are known. */
interface Parameter {
  readonly index: number;
  /** Returns the value of the parameter after its pipes, or a promise of it. */
  readonly valueOf: (args: HandlerArguments) => unknown;
}

/** Parts of a handler, in the order in which Nest passes them on. */
type Declared = readonly [
  instance: object,
  method: Method,
  moduleKey: string,
  contextId: ContextId,
  inquirerId: string | undefined,
];

/**
 * Makes the pipeline of a handler: guards, interceptors, pipes, method, filters, in Nest's order. Metadata is read once for
 * each handler by Nest's own code. A message is awaited only where something of its pipeline returns a promise.
 */
export class HandlerPipeline {
  readonly #metadata: WsContextCreator;
  readonly #pipes: PipesContextCreator;
  readonly #guards: GuardsContextCreator;
  readonly #interceptors: InterceptorsContextCreator;

  /** @throws {Error} where the constructor of Nest's `WsContextCreator` takes another number of parameters */
  constructor(
    modules: NestContainer,
    config: ApplicationConfig,
    private readonly proxy: HandlerProxy,
    private readonly filters: HandlerFiltersContext,
    private readonly interceptorsConsumer: HandlerInterceptors,
  ) {
    if (WsContextCreator.length !== CREATOR_PARAMETERS)
      throw new Error(
        'unsupported version of "@nestjs/websockets": WsContextCreator has changed; install the version in package.json',
      );
    this.#pipes = new PipesContextCreator(modules, config);
    this.#guards = new GuardsContextCreator(modules, config);
    this.#interceptors = new InterceptorsContextCreator(modules, config);
    this.#metadata = new WsContextCreator(
      new WsProxy(),
      filters,
      this.#pipes,
      new PipesConsumer(),
      this.#guards,
      new GuardsConsumer(),
      this.#interceptors,
      interceptorsConsumer,
    );
  }

  /** Makes the pipeline of the method of a name. */
  create(
    name: string,
    instance: object,
    method: Method,
    moduleKey: string,
    contextId: ContextId = STATIC_CONTEXT,
    inquirerId?: string,
  ): (...args: HandlerArguments) => unknown {
    const declared: Declared = [instance, method, moduleKey, contextId, inquirerId];
    const filters = this.filters.create(...declared);
    const call = this.#withParameters(name, declared);
    const target = this.#guarded(this.#intercepted(call, declared), declared);
    return this.proxy.create(target, filters, this.#metadata.reflectCallbackPattern(method));
  }

  #guarded(target: Target, [instance, method, ...others]: Declared): Target {
    const guards = this.#guards.create(instance, method, ...others);
    const canActivate = this.#metadata.createGuardsFn(guards, instance, method, 'ws');
    if (canActivate === null) return target;
    return async (args) => {
      await canActivate(args);
      return target(args);
    };
  }

  #intercepted(target: Target, [instance, method, ...others]: Declared): Target {
    const interceptors = this.#interceptors.create(instance, method, ...others);
    if (interceptors.length === 0) return target;
    return (args) =>
      this.interceptorsConsumer.intercept(interceptors, args, instance, method, async () => target(args), 'ws');
  }

  /** Calls the method with its parameters, each after its pipes. The pipes of all parameters begin at once. */
  #withParameters(name: string, [instance, method, moduleKey, ...context]: Declared): Target {
    const shared = this.#pipes.create(instance, method, moduleKey, ...context);
    const { argsLength, paramtypes, getParamsMetadata } = this.#metadata.getMetadata(instance, name, 'ws');
    const parameters = getParamsMetadata(moduleKey).map(
      ({ index, type, data, schema, pipes, extractValue }): Parameter => {
        const argument = { metatype: (paramtypes as unknown[] | undefined)?.[index], type, data, schema };
        const extract = extractValue as Method;
        const pass = pipesOf(argument as never, [...shared, ...pipes]);
        return { index, valueOf: pass === undefined ? (args) => extract(...args) : (args) => pass(extract(...args)) };
      },
    );
    if (parameters.length === 0) return (args) => method.apply(instance, args);
    const none = Array<unknown>(argsLength).fill(undefined);
    return (args) => {
      const values = [...none];
      const waiting = fill(values, parameters, args);
      return waiting === undefined
        ? method.apply(instance, values)
        : waiting.then(() => method.apply(instance, values));
    };
  }
}

/** Writes the values of the parameters; returns a promise where one of them must be awaited. */
function fill(
  values: unknown[],
  parameters: readonly Parameter[],
  args: HandlerArguments,
): Promise<unknown> | undefined {
  let waiting: Promise<void>[] | undefined;
  for (const { index, valueOf } of parameters) {
    let value: unknown;
    try {
      value = valueOf(args);
    } catch (error) {
      value = Promise.reject(error); // the pipes of the other parameters run, too
    }
    if (!isThenable(value)) values[index] = value;
    else (waiting ??= []).push(Promise.resolve(value).then((settled) => void (values[index] = settled)));
  }
  return waiting && Promise.all(waiting);
}
