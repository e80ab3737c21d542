import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { MESSAGE_METADATA } from '@nestjs/websockets/constants.js';
import type { INestApplication } from '@nestjs/common';
import {
  dematerialize,
  isObservable,
  materialize,
  Observable,
  type ObservableNotification,
  type Subscriber,
} from 'rxjs';
import type { MessageHandlerCallback } from '../dispatch/handler-table.js';

/**
 * The types whose handlers stand behind interceptors: of those Nest hands on an observable, whatever they return. To be
 * made once Nest has bound the handlers: until then an application may still add interceptors for all of them.
 */
export class InterceptedTypes {
  readonly #types = new Set<string>();
  readonly #all: boolean;

  constructor(app: INestApplication) {
    // What `useGlobalInterceptors()` was given, and the providers of `APP_INTERCEPTOR`.
    const everywhere = app.get(ApplicationConfig);
    this.#all = everywhere.getGlobalInterceptors().length + everywhere.getGlobalRequestInterceptors().length > 0;
    for (const module of app.get(ModulesContainer).values())
      for (const { metatype } of module.providers.values()) if (typeof metatype === 'function') this.#learn(metatype);
  }

  has(type: string): boolean {
    return this.#all || this.#types.has(type);
  }

  #learn(gateway: { readonly prototype: object | undefined }): void {
    for (let of = gateway.prototype; of && of !== Object.prototype; of = Object.getPrototypeOf(of) as object)
      for (const { value: method } of Object.values(Object.getOwnPropertyDescriptors(of))) {
        if (typeof method !== 'function') continue;
        const type = Reflect.getMetadata(MESSAGE_METADATA, method) as unknown;
        const intercepted = [gateway, method as object].some((each) =>
          Reflect.hasMetadata(INTERCEPTORS_METADATA, each),
        );
        if (typeof type === 'string' && intercepted) this.#types.add(type);
      }
  }
}

/**
 * Makes the call of an intercepted handler last as long as the handler: its promise settles with the first value, the
 * end or the failure of what Nest handed on, so that the queue waits and the time is measured as for any other.
 */
export function afterFirstValue(handler: MessageHandlerCallback): MessageHandlerCallback {
  return async (data, type) => {
    const outcome = await handler(data, type);
    return isObservable(outcome) ? firstValue(outcome) : outcome;
  };
}

function firstValue(values: Observable<unknown>): Promise<Observable<unknown>> {
  return new Promise((resolve) => {
    const early: ObservableNotification<unknown>[] = [];
    let reader: Subscriber<ObservableNotification<unknown>> | undefined;
    const rest = new Observable<ObservableNotification<unknown>>((subscriber) => {
      reader = subscriber;
      for (const notification of early.splice(0)) subscriber.next(notification);
      return source;
    }).pipe(dematerialize());
    const source = values.pipe(materialize()).subscribe((notification) => {
      if (reader !== undefined) reader.next(notification);
      else early.push(notification);
      resolve(rest);
      // Nobody listens where the call took too long.
      if (early.length === 1) setImmediate(() => reader ?? source.unsubscribe());
    });
  });
}
