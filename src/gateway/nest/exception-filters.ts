import type { ArgumentsHost } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  selectExceptionFilterMetadata,
  type ExceptionFilterMetadata,
} from '@nestjs/common/internal';
import type { NestContainer } from '@nestjs/core';
import { ExecutionContextHost, STATIC_CONTEXT } from '@nestjs/core/internal';
import { ExceptionFiltersContext } from '@nestjs/websockets/context/exception-filters-context.js';
import { WsExceptionsHandler } from '@nestjs/websockets/exceptions/ws-exceptions-handler.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { filteredError } from '../dispatch/exception-mapping.js';
import type { HandlerTimeouts } from '../dispatch/handler-timeouts.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** Arguments of a handler call, as Nest passes them on: the socket, the body, the type, …, the pattern. */
export type HandlerArguments = [client: GatewaySocket, ...others: unknown[]];

/**
 * Asks the exception filters of one handler. Replaces Nest's own handler of exceptions, which sends a frame by itself
 * and ignores what a filter returns.
 */
export class HandlerFilters extends WsExceptionsHandler {
  readonly #filters: ExceptionFilterMetadata[];

  constructor(
    filters: ExceptionFilterMetadata[],
    private readonly timeouts: FilterTimeouts,
  ) {
    super();
    this.#filters = filters;
  }

  /** Rejects with the error to answer: that of the first filter that catches the exception, else the exception. */
  async settle(exception: unknown, args: HandlerArguments): Promise<never> {
    const filter = selectExceptionFilterMetadata(this.#filters, exception);
    if (filter === undefined) throw exception;
    const host = new ExecutionContextHost(args);
    host.setType('ws');
    throw filteredError(exception, await this.#ask(filter, { client: args[0], exception }, host));
  }

  /** Calls a filter. Only envelopes may leave until it settles, because Nest's filters send frames of another form. */
  async #ask({ func }: ExceptionFilterMetadata, call: FilterCall, host: ArgumentsHost): Promise<unknown> {
    const { client, exception } = call;
    client.filters++;
    try {
      return await this.timeouts.within(
        call,
        valueOf(() => func(exception, host)),
      );
    } finally {
      client.filters--;
    }
  }
}

async function valueOf(ask: () => unknown): Promise<unknown> {
  const value = await ask();
  return isObservable(value) ? lastValueFrom(value, { defaultValue: undefined }) : value;
}

/** Limits how long filters may take, because the time of a call is over once its observable has emitted. */
export type FilterTimeouts = HandlerTimeouts<FilterCall>;

/** A call of a filter. */
export interface FilterCall {
  readonly client: GatewaySocket;
  readonly exception: unknown;
}

/** Finds the filters of a handler as Nest does: of the method, then of the class. */
export class HandlerFiltersContext extends ExceptionFiltersContext {
  constructor(
    modules: NestContainer,
    private readonly timeouts: FilterTimeouts,
  ) {
    super(modules);
  }

  override create(...[instance, callback, moduleKey, contextId, inquirerId]: CreateParameters): HandlerFilters {
    this.moduleContext = moduleKey;
    const filters = this.createContext<ExceptionFilterMetadata[]>(
      instance,
      callback,
      EXCEPTION_FILTERS_METADATA,
      contextId ?? STATIC_CONTEXT,
      inquirerId,
    );
    return new HandlerFilters(filters.toReversed(), this.timeouts);
  }
}

type CreateParameters = Parameters<ExceptionFiltersContext['create']>;
