import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

/** Answers of a network that wants a log-in first, in place of the upgrade. */
const CAPTIVE = {
  page: 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 16\r\nConnection: close\r\n\r\n<h1>Log in!</h1>',
  redirect: 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
} as const;

/** A proxy that speaks WebSocket itself, as those of companies and antivirus programs do, and closes with its own codes. */
export class WebSocketProxy {
  /** Set while handshakes are answered by a page or a redirect. */
  captive: keyof typeof CAPTIVE | undefined;
  /** Handshakes that were answered so. */
  captured = 0;
  readonly #accepting = new WebSocketServer({ noServer: true, handleProtocols: () => 'switchboard.v1' });

  private constructor(
    private readonly server: Server,
    private readonly target: string,
  ) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => undefined);
      if (this.captive === undefined) return this.#forward(request, socket, head);
      this.captured++;
      socket.end(CAPTIVE[this.captive]);
    });
  }

  /** @param target the URL of a server */
  static async start(target: string): Promise<WebSocketProxy> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new WebSocketProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/wss`;
  }

  /** Closes all connections of clients. @param code such as 1000, which no Switchboard sends first */
  close(code: number): void {
    for (const socket of this.#accepting.clients) socket.close(code);
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.#accepting.clients) socket.terminate();
    await closed;
  }

  /** Accepts a client once the server has accepted its connection; answers 502 where the server rejects it. */
  #forward(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const protocols = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
    const far = new WebSocket(this.target, protocols);
    const early: string[] = [];
    far.on('message', (data: Buffer) => early.push(data.toString()));
    far.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
    far.once('open', () => {
      this.#accepting.handleUpgrade(request, socket, head, (near) => {
        this.#accepting.emit('connection', near, request);
        far.removeAllListeners('message');
        for (const text of early) near.send(text);
        connectSockets(near, far);
        connectSockets(far, near);
      });
    });
  }
}

function connectSockets(from: WebSocket, to: WebSocket): void {
  from.on('message', (data: Buffer) => to.send(data.toString()));
  from.on('error', () => undefined);
  from.on('close', (code) => (code === 1005 || code === 1006 ? to.terminate() : to.close(code)));
}
