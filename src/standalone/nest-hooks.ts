import { WebSocketsController } from '@nestjs/websockets/web-sockets-controller.js';
import type { Observable } from 'rxjs';

/** The method by which Nest calls `afterInit` of a gateway once its server exists. */
interface Subscriptions {
  readonly config: { getIoAdapter(): object };
  subscribeInitEvent: (gateway: object, event: Observable<unknown>) => void;
}

const adapters = new WeakSet<object>();
let replaced = false;

/**
 * Makes Nest leave `afterInit` of an adapter's gateways to `SessionHooks`. Nest has no public way to leave hooks to
 * others. Nest's own call drops what a hook returns, and ends the process where a scoped gateway cannot be created. The
 * other hooks need nothing, because Nest calls them only for connections that the adapter reports.
 *
 * @throws {Error} for a version of `@nestjs/websockets` that calls the hook in another way
 */
export function takeInitHooks(adapter: object): void {
  adapters.add(adapter);
  if (!replaced) replaceSubscription(WebSocketsController.prototype as unknown as Subscriptions);
  replaced = true;
}

/** Replaces the subscription for adapters that take the hooks; other adapters keep Nest's. */
function replaceSubscription(nest: Subscriptions): void {
  const original = nest.subscribeInitEvent;
  if (typeof original !== 'function')
    throw new Error(
      'unsupported version of "@nestjs/websockets": it has no subscribeInitEvent; install the version in package.json, and one copy of it',
    );
  nest.subscribeInitEvent = function (this: Subscriptions, gateway: object, event: Observable<unknown>) {
    if (!adapters.has(this.config.getIoAdapter())) original.call(this, gateway, event);
  };
}
