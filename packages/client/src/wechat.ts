import type { SocketClass, SocketLike } from './socket.js';

/** The part of the task of `wx.connectSocket` that the adapter uses. */
export interface WechatTask {
  onMessage(listener: (event: { readonly data: unknown }) => void): void;
  onClose(listener: (event: { readonly code?: number; readonly reason?: string }) => void): void;
  onError(listener: (event: { readonly errMsg?: string }) => void): void;
  send(options: { readonly data: string }): void;
  close(options: { readonly code?: number; readonly reason?: string }): void;
}

export interface Wechat {
  connectSocket(options: { readonly url: string; readonly protocols: string[] }): WechatTask;
}

/** Adapts the WebSocket of a WeChat mini program for `connect`: `{ WebSocket: wechatSocket(wx) }`. */
export function wechatSocket(wx: Wechat): SocketClass {
  return class implements SocketLike {
    onmessage: SocketLike['onmessage'] = null;
    onclose: SocketLike['onclose'] = null;
    onerror: SocketLike['onerror'] = null;
    readonly #task: WechatTask;
    #closed = false;

    constructor(url: string, protocols: string[]) {
      this.#task = wx.connectSocket({ url, protocols });
      this.#task.onMessage((event) => this.onmessage?.(event));
      this.#task.onClose(({ code = 1006, reason = '' }) => this.#finish(code, reason));
      // No close event follows the error of a failed connection.
      this.#task.onError(({ errMsg = '' }) => this.#finish(1006, errMsg));
    }

    send(text: string): void {
      this.#task.send({ data: text });
    }

    close(code = 1000, reason = ''): void {
      this.#task.close({ code, reason });
    }

    #finish(code: number, reason: string): void {
      if (this.#closed) return;
      this.#closed = true;
      this.onclose?.({ code, reason });
    }
  };
}
