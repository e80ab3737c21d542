import { AsyncResource } from 'node:async_hooks';

const MANUAL = { requireManualDestroy: true };
const newContext = (): AsyncResource => new AsyncResource('SWITCHBOARD_CALL', MANUAL);

/** Runs code of an application in async contexts of its own, so that its `enterWith` reaches no other code. */
export class OwnContext {
  /** The context in which the server was created. No code of an application runs in it. */
  readonly #root = new AsyncResource('SWITCHBOARD', MANUAL);

  /** Calls a function in a new context, and returns its result. */
  run<A, R>(work: (argument: A) => R, argument: A): R {
    return this.#root.runInAsyncScope(newContext).runInAsyncScope(work, undefined, argument);
  }
}
