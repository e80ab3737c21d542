type Add = Parameters<EventTarget['addEventListener']>;
type Remove = Parameters<EventTarget['removeEventListener']>;
type Listener = Add[1];
type Guarded = (event: Event) => void;

/**
 * Guards all listeners of a signal, with `onabort`, which the platform adds in the same way. An exception or a rejection
 * of a listener would end the process, because Node throws it from a later tick.
 *
 * @param onError receives what a listener has thrown, and the reason of its rejected promise
 */
export function guardListeners(signal: AbortSignal, onError: (error: unknown) => void): void {
  /** The guarded form of each listener, because a listener is added once and may be removed. */
  const guarded = new WeakMap<object, Guarded>();
  const guard = (listener: Listener): Listener => {
    if (typeof listener !== 'function' && (typeof listener !== 'object' || listener === null)) return listener;
    let form = guarded.get(listener);
    if (form === undefined) guarded.set(listener, (form = (event) => call(listener, signal, event, onError)));
    return form;
  };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...[type, listener, options]: Add): void => add(type, guard(listener), options);
  signal.removeEventListener = (...[type, listener, options]: Remove): void => remove(type, guard(listener), options);
}

function call(listener: Listener, signal: AbortSignal, event: Event, onError: (error: unknown) => void): void {
  try {
    // Declared to return nothing, but an async listener returns a promise.
    const outcome: unknown =
      typeof listener === 'function' ? Reflect.apply(listener, signal, [event]) : listener.handleEvent(event);
    Promise.resolve(outcome).catch(onError);
  } catch (error) {
    onError(error);
  }
}
