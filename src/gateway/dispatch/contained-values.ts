import { from, Observable, Subscriber, UnsubscriptionError, type ObservableInput } from 'rxjs';

/**
 * Emits the values of an observable of the application, whose finalizers may throw. rxjs throws such an error out of the
 * timer or the socket that ended the observable, which would end the process.
 *
 * @param onError receives each error of a finalizer
 */
export function containedValues(
  values: ObservableInput<unknown>,
  onError: (error: unknown) => void,
): Observable<unknown> {
  return new Observable((subscriber) => {
    // An observable of another copy of rxjs becomes one of this copy.
    from(values).subscribe(new ContainedSubscriber(subscriber, onError));
  });
}

class ContainedSubscriber extends Subscriber<unknown> {
  constructor(
    subscriber: Subscriber<unknown>,
    private readonly onError: (error: unknown) => void,
  ) {
    super(subscriber);
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe();
    } catch (error) {
      for (const each of error instanceof UnsubscriptionError ? (error.errors as unknown[]) : [error])
        this.onError(each);
    }
  }
}
