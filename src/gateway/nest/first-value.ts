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
 * Wraps an intercepted handler so that its promise settles when the observable first emits, completes or fails. The
 * handler queue then waits and measures as for any other handler, because Nest returns the observable at once.
 */
export function afterFirstValue(handler: MessageHandlerCallback): MessageHandlerCallback {
  return async (data, type) => {
    const outcome = await handler(data, type);
    return isObservable(outcome) ? firstValue(outcome) : outcome;
  };
}

/** Resolves with an observable of all values, the first included. */
function firstValue(values: Observable<unknown>): Promise<Observable<unknown>> {
  return new Promise((resolve) => {
    const early: ObservableNotification<unknown>[] = [];
    let reader: Subscriber<ObservableNotification<unknown>> | undefined;
    const replayed = new Observable<ObservableNotification<unknown>>((subscriber) => {
      reader = subscriber;
      for (const notification of early.splice(0)) subscriber.next(notification);
      return source;
    }).pipe(dematerialize());
    const source = values.pipe(materialize()).subscribe((notification) => {
      if (reader !== undefined) reader.next(notification);
      else early.push(notification);
      resolve(replayed);
      // Unsubscribes from the handler when nothing has subscribed to its values, because the handler timed out.
      if (early.length === 1) setImmediate(() => reader ?? source.unsubscribe());
    });
  });
}
