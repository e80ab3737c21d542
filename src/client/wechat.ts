import type { SocketClass, SocketLike } from './socket.js';

/** The part of `wx.connectSocket`'s task that is used. */
export interface WechatTask {
  onMessage(listener: (event: { readonly data: unknown }) => void): void;
  onClose(listener: (event: { readonly code?: number; readonly reason?: string }) => void): void;
  onError(listener: (event: { readonly errMsg?: string }) => void): void;
  send(parts: { readonly data: string }): void;
  close(parts: { readonly code?: number; readonly reason?: string }): void;
}

export interface Wechat {
  connectSocket(parts: { readonly url: string; readonly protocols: string[] }): WechatTask;
}

/** Makes the WebSocket of a WeChat mini program one that `connect` takes: `{ WebSocket: wechatSocket(wx) }`. */
export function wechatSocket(wx: Wechat): SocketClass {
  return class implements SocketLike {
    onmessage: SocketLike['onmessage'] = null;
    onclose: SocketLike['onclose'] = null;
    onerror: SocketLike['onerror'] = null;
    readonly #task: WechatTask;
    #over = false;

    constructor(url: string, protocols: string[]) {
      this.#task = wx.connectSocket({ url, protocols });
      this.#task.onMessage((event) => this.onmessage?.(event));
      this.#task.onClose(({ code = 1006, reason = '' }) => this.#end(code, reason));
      // Where the connection could not be made, an error is all there is.
      this.#task.onError(({ errMsg = '' }) => this.#end(1006, errMsg));
    }

    send(text: string): void {
      this.#task.send({ data: text });
    }

    close(code = 1000, reason = ''): void {
      this.#task.close({ code, reason });
    }

    #end(code: number, reason: string): void {
      if (this.#over) return;
      this.#over = true;
      this.onclose?.({ code, reason });
    }
  };
}
