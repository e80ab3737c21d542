import { WAKE_CHECK_MS } from './limits.js';

/** The calls that events of a page cause. */
export interface PageListener {
  /** Called when the page is shown or online again, or the device wakes. */
  probe(): void;
  /** Called before the page is frozen, or kept for the back button. */
  leave(): void;
}

/** Calls the listener at the events of an environment. Returns a function that stops. */
export type WatchPage = (listener: PageListener) => () => void;

/** The part of a window that is used. Workers have no document; Node has neither document nor events. */
export interface PageLike {
  readonly document?: { readonly visibilityState: string };
  addEventListener?(type: string, listener: PageEventListener, capture: boolean): void;
  removeEventListener?(type: string, listener: PageEventListener, capture: boolean): void;
}

type PageEventListener = (event: { readonly type: string; readonly persisted?: boolean }) => void;

/** Events of the HTML standard; `freeze` and `resume` are of the Page Lifecycle API (https://wicg.github.io/page-lifecycle/). */
const EVENTS = ['online', 'visibilitychange', 'pageshow', 'resume', 'pagehide', 'freeze'];

/** Watches the page of a browser, and the sleep of a device; Node has only the latter. */
export function watchPage(listener: PageListener, page: PageLike = globalThis as unknown as PageLike): () => void {
  const onEvent: PageEventListener = ({ type, persisted }) => {
    // A `pageshow` that is not persisted follows the first load of a page, a `pagehide` the last event.
    if (persisted === false) return;
    if (type === 'freeze' || type === 'pagehide') listener.leave();
    else if (page.document?.visibilityState !== 'hidden' || type !== 'visibilitychange') listener.probe();
  };
  // The window captures events of the document, too, even those that do not bubble.
  const each = (method: 'addEventListener' | 'removeEventListener'): void => {
    for (const type of EVENTS) page[method]?.(type, onEvent, true);
  };
  each('addEventListener');
  const stop = watchSleep(() => page.document?.visibilityState !== 'hidden' && listener.probe());
  return () => {
    each('removeEventListener');
    stop();
  };
}

/**
 * Calls the listener after a sleep of the device, which a gap in the wall clock shows. Monotonic clocks stand still in a sleep.
 * Browsers slow the timers of hidden pages down, so the gap of a hidden page shows nothing. Returns a function that stops.
 */
function watchSleep(woken: () => void): () => void {
  let lastMs = Date.now();
  const timer = setInterval(() => {
    const nowMs = Date.now();
    if (nowMs - lastMs > 2 * WAKE_CHECK_MS) woken();
    lastMs = nowMs;
  }, WAKE_CHECK_MS);
  (timer as { unref?(): void }).unref?.(); // must not keep a Node process alive
  return () => clearInterval(timer);
}
