import type { Abstract, Type } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer, type ModuleRef, type NestContainer } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/internal';
import { Settings } from '../../settings/settings.js';
import { Log } from '../../telemetry/log.js';
import { isAbortOf } from '../dispatch/abort-reasons.js';
import { HandlerReplies } from '../dispatch/handler-replies.js';
import { HandlerRunner } from '../dispatch/handler-runner.js';
import { HandlerTimeouts } from '../dispatch/handler-timeouts.js';
import type { HandlerTable, MessageHandlerCallback } from '../dispatch/handler-table.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerFiltersContext, type FilterCall, type HandlerArguments } from './exception-filters.js';
import { GatewayExplorer, type ExploredGateway, type GatewayHandler } from './gateway-explorer.js';
import { GatewayPolicy } from './gateway-policy.js';
import { HandlerInterceptors, type LateErrorListener } from './handler-interceptors.js';
import { HandlerPipeline } from './handler-pipeline.js';
import { HandlerProxy } from './handler-proxy.js';
import { messageConfig } from './http-globals.js';
import { contextOf, instantiate } from './gateway-instances.js';
import { takesText } from './raw-data.decorator.js';
import { takesReceiver, takesSignal } from './session.decorators.js';

type Run = (...args: HandlerArguments) => unknown;
type Methods = Readonly<Record<string, (...parameters: unknown[]) => unknown>>;

/**
 * Makes one callback for each handler, which all sockets share. Guards, interceptors and pipes run in Nest's order; an
 * exception then goes through the filters and settles the exchange.
 */
export class HandlerCompiler {
  readonly #filters: HandlerFiltersContext;
  readonly #pipeline: HandlerPipeline;
  readonly #explorer: GatewayExplorer;

  /** @throws {Error} for a version of Nest that makes callbacks in another way */
  constructor(
    moduleRef: ModuleRef,
    private readonly server: unknown,
  ) {
    const get = <T>(type: Type<T> | Abstract<T>): T => moduleRef.get(type, { strict: false });
    const config = messageConfig(get(ApplicationConfig), get(Log), get(GatewayPolicy));
    this.#explorer = get(GatewayExplorer);
    // The only method of the container that finds guards, pipes, interceptors and filters.
    const modules = { getModules: () => get(ModulesContainer) } as unknown as NestContainer;
    const replies = get(HandlerReplies);
    const { generators } = get(HandlerRunner);
    const onLate: LateErrorListener = ([{ session }, , type, signal], error) => {
      if (session !== undefined && !isAbortOf(signal, error))
        replies.failedLate(session, { type: type as string, id: undefined }, error);
    };
    const { handlerTimeoutMs } = get(Settings);
    const timeouts = new HandlerTimeouts<FilterCall>(
      handlerTimeoutMs,
      {
        timedOut: ({ exception }, error) => void (error.cause = exception),
        failedLate: ({ client }, error) => {
          if (client.session !== undefined) replies.failedLate(client.session, { type: '', id: undefined }, error);
        },
      },
      'exception filter',
    );
    this.#filters = new HandlerFiltersContext(modules, timeouts);
    this.#pipeline = new HandlerPipeline(
      modules,
      config,
      new HandlerProxy(generators, onLate),
      this.#filters,
      new HandlerInterceptors(generators, onLate),
    );
  }

  /** Registers the handlers of all gateways. */
  registerAll(table: HandlerTable): void {
    for (const gateway of this.#explorer.gateways())
      for (const handler of gateway.handlers) table.register(handler.type, this.#callback(gateway, handler));
  }

  #callback(gateway: ExploredGateway, { method }: GatewayHandler): MessageHandlerCallback {
    const run = gateway.scoped ? this.#scoped(gateway, method) : this.#static(gateway, method);
    const { metatype } = gateway;
    const takes = {
      takesSignal: takesSignal(metatype, method),
      takesReceiver: takesReceiver(metatype, method),
      takesText: takesText(metatype, method),
    };
    return Object.assign(callbackOf(run, takes), takes);
  }

  #static({ metatype, instance, provider }: ExploredGateway, method: string): Run {
    const callback = (metatype.prototype as Methods)[method]!;
    return this.#pipeline.create(method, instance, callback, provider.host!.token);
  }

  /** Calls a method of the instance that belongs to the context of the session. */
  #scoped(gateway: ExploredGateway, method: string): Run {
    const { metatype, provider } = gateway;
    const moduleKey = provider.host!.token;
    const callback = (metatype.prototype as Methods)[method]!;
    return async (...args) => {
      let run: Run;
      try {
        const contextId = contextOf(args[0], gateway);
        const instance = await instantiate(gateway, contextId, this.server);
        const own = (instance as Methods)[method]!;
        run = this.#pipeline.create(method, instance, own, moduleKey, contextId, provider.id);
      } catch (error) {
        return this.#filters
          .create(provider.instance as object, callback, moduleKey, STATIC_CONTEXT)
          .settle(error, args);
      }
      return run(...args);
    };
  }
}

interface Taken {
  readonly takesSignal: boolean;
  readonly takesReceiver: boolean;
}

/** Passes on as many arguments as a handler takes, because Nest's pattern follows the last one. */
function callbackOf(run: Run, { takesSignal: signals, takesReceiver: receivers }: Taken): MessageHandlerCallback {
  if (receivers)
    return (data, type, client, signal, receiver) => run(client as GatewaySocket, data, type, signal, receiver);
  if (signals) return (data, type, client, signal) => run(client as GatewaySocket, data, type, signal);
  return (data, type, client) => run(client as GatewaySocket, data, type);
}
