import { WebSocketsController } from '@nestjs/websockets/web-sockets-controller.js';
import type { Observable } from 'rxjs';

/** Takes the part of Nest that calls the hooks of gateways. */
export interface HookOwner {
  /**
   * Called for each gateway when Nest has bound its handlers.
   *
   * @param gateway the provider; a stand-in without fields where the gateway is scoped
   */
  bound(gateway: object, server: unknown): void;
}

/** The methods by which Nest subscribes a gateway's hooks to the events of a server. */
interface Subscriptions {
  readonly config: { getIoAdapter(): object };
  subscribeInitEvent(gateway: object, event: Observable<unknown>): void;
  subscribeConnectionEvent(hook: unknown, event: Observable<unknown>): void;
  subscribeDisconnectEvent(hook: unknown, event: Observable<unknown>): void;
}

const owners = new WeakMap<object, HookOwner>();
let replaced = false;

/**
 * Makes an owner call the hooks of all gateways of an adapter; Nest itself calls none of them. Nest has no public way to
 * leave hooks to others. Nest's own calls drop what a hook returns, and end the process where a scoped gateway cannot be
 * created.
 *
 * @throws {Error} for a version of `@nestjs/websockets` that subscribes hooks in another way
 */
export function takeHooks(adapter: object, owner: HookOwner): void {
  owners.set(adapter, owner);
  if (!replaced) replaceSubscriptions(WebSocketsController.prototype as unknown as Subscriptions);
  replaced = true;
}

/** Reports a version of Nest whose hooks {@link takeHooks} cannot take. */
export function unsupportedNest(problem: string): Error {
  return new Error(
    `unsupported version of "@nestjs/websockets": ${problem}; install the version in package.json, and one copy of it`,
  );
}

/** Replaces the subscriptions of gateways whose adapter has an owner of hooks; others keep Nest's. */
function replaceSubscriptions(nest: Subscriptions): void {
  replace(nest, 'subscribeInitEvent', (owner, gateway, event) => {
    event.subscribe((server) => owner.bound(gateway as object, server));
  });
  replace(nest, 'subscribeConnectionEvent', () => undefined);
  replace(nest, 'subscribeDisconnectEvent', () => undefined);
}

function replace(
  nest: Subscriptions,
  name: Exclude<keyof Subscriptions, 'config'>,
  subscribe: (owner: HookOwner, gateway: unknown, event: Observable<unknown>) => void,
): void {
  const original = nest[name];
  if (typeof original !== 'function') throw unsupportedNest(`it has no ${name}`);
  nest[name] = function (this: Subscriptions, gateway: object, event: Observable<unknown>) {
    const owner = owners.get(this.config.getIoAdapter());
    if (owner === undefined) original.call(this, gateway, event);
    else subscribe(owner, gateway, event);
  };
}
