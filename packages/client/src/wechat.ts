import type { PageListener } from './page-life.js';
import type { SocketClass, SocketLike } from './socket.js';

/** The part of the task of `wx.connectSocket` that the adapter uses. */
export interface WechatTask {
  onMessage(listener: (event: { readonly data: unknown }) => void): void;
  onClose(listener: (event: { readonly code?: number; readonly reason?: string }) => void): void;
  onError(listener: (event: { readonly errMsg?: string }) => void): void;
  send(options: { readonly data: string }): void;
  close(options: { readonly code?: number; readonly reason?: string }): void;
}

/** A close code of applications, after which a session may return. */
const NO_END = 4999;

type NetworkListener = (status: { readonly isConnected: boolean }) => void;

export interface Wechat {
  connectSocket(options: { readonly url: string; readonly protocols: string[] }): WechatTask;
  onAppShow?(listener: () => void): void;
  offAppShow?(listener: () => void): void;
  onNetworkStatusChange?(listener: NetworkListener): void;
  offNetworkStatusChange?(listener: NetworkListener): void;
}

/** Adapts the WebSocket and the events of a WeChat mini program for `connect`: `{ WebSocket: wechatSocket(wx) }`. */
export function wechatSocket(wx: Wechat): SocketClass {
  return class implements SocketLike {
    onmessage: SocketLike['onmessage'] = null;
    onclose: SocketLike['onclose'] = null;
    onerror: SocketLike['onerror'] = null;
    /** Called by `connect`, which probes the connection when the app is shown and when the network is back. */
    static watchPage(listener: PageListener): () => void {
      const shown = (): void => listener.probe();
      const changed: NetworkListener = ({ isConnected }) => isConnected && shown();
      wx.onAppShow?.(shown);
      wx.onNetworkStatusChange?.(changed);
      return () => {
        wx.offAppShow?.(shown);
        wx.offNetworkStatusChange?.(changed);
      };
    }

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

    /** WeChat sends 1000 where there is no code, which would end a session that may return. */
    close(code = NO_END, reason = ''): void {
      this.#task.close({ code, reason });
    }

    #finish(code: number, reason: string): void {
      if (this.#closed) return;
      this.#closed = true;
      this.onclose?.({ code, reason });
    }
  };
}
