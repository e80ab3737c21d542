import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A source of public keys that is out of order: it does not answer, or answers 500. */
export class KeySource {
  /** Requests so far. */
  asked = 0;
  fault: 'silent' | 'failing' = 'failing';

  private constructor(private readonly server: Server) {}

  static async start(): Promise<KeySource> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const source = new KeySource(server);
    server.on('request', (_, response) => {
      source.asked++;
      if (source.fault === 'failing') response.writeHead(500).end();
    });
    return source;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/keys`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }
}
