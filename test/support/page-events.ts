import { WebSocket } from 'ws';
import type { SocketClass } from '../../packages/client/src/connect.js';
import { watchPage, type PageLike, type WatchPage } from '../../packages/client/src/page-life.js';

/** The events of a browser's page, for clients in Node. */
export class PageEvents extends EventTarget {
  readonly document = { visibilityState: 'visible' };
  /** Listeners that were added and not removed. */
  listening = 0;
  /** Sockets that a client of this page opened. */
  opened = 0;

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listening++;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listening--;
    super.removeEventListener(...args);
  }

  emit(type: string, fields: { persisted?: boolean } = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }

  becomes(visibilityState: 'visible' | 'hidden'): void {
    this.document.visibilityState = visibilityState;
    this.emit('visibilitychange');
  }

  /** Returns a socket class, for the option `WebSocket` of a client in this page. */
  socketClass(base: SocketClass = WebSocket): SocketClass {
    const page = this as unknown as PageLike;
    const opened = (): void => void this.opened++;
    return class extends base {
      static override readonly watchPage: WatchPage = (listener) => watchPage(listener, page);

      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        opened();
      }
    };
  }
}
