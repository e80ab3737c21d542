import type { INestApplication } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { Settings } from '../settings/settings.js';
import { connectTestClient, type ConnectOptions, type TestClient } from './test-client.js';
import type { LogLine, TestLog } from './test-log.js';
import { signedToken, type TestClaims } from './test-token.js';

export interface TestConnectOptions extends ConnectOptions {
  /** Connects with a token of this user, in place of `token`. Needs the setting `authSecret`. */
  readonly user?: string;
  /** Claims of the token of `user`. */
  readonly claims?: TestClaims;
}

/** An application that listens on a free port of 127.0.0.1. */
export class TestServer<App extends INestApplication = INestApplication> {
  readonly port: number;
  /** The URL of the WebSocket, such as `ws://127.0.0.1:49152/wss`. */
  readonly url: string;
  /** The URL of HTTP without a path, such as `http://127.0.0.1:49152`. */
  readonly httpUrl: string;
  readonly #settings: Settings;
  #stopping: Promise<void> | undefined;

  /**
   * @param timeoutMs milliseconds that each wait of a client takes at most
   * @throws {Error} where the application does not import `SwitchboardModule`
   */
  constructor(
    readonly app: App,
    private readonly testLog: TestLog,
    private readonly timeoutMs: number | undefined,
  ) {
    const server = app.getHttpServer() as { address(): AddressInfo };
    const secure = server instanceof TlsServer ? 's' : '';
    this.#settings = settingsOf(app);
    this.port = server.address().port;
    this.httpUrl = `http${secure}://127.0.0.1:${this.port}`;
    this.url = `ws${secure}://127.0.0.1:${this.port}${this.#settings.wsPath}`;
  }

  /** Lines that the server has logged, in order; at most 10,000. */
  get log(): readonly LogLine[] {
    return this.testLog.lines;
  }

  /**
   * Opens a session with a real socket.
   *
   * @throws {HandshakeError} where the server rejects the connection
   * @throws {Error} for a `user` where the server checks no tokens of an `authSecret`
   */
  async connect({ user, claims = {}, ...options }: TestConnectOptions = {}): Promise<TestClient> {
    const token = user === undefined ? options.token : await signedToken(user, claims, this.#secret(user));
    return connectTestClient(this.url, {
      ...(this.timeoutMs !== undefined && { timeoutMs: this.timeoutMs }),
      ...options,
      ...(token !== undefined && { token }),
    });
  }

  /** Closes the application, which closes all sessions. */
  async stop(): Promise<void> {
    return (this.#stopping ??= this.app.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #secret(user: string): string {
    const { auth, authSecret } = this.#settings;
    if (auth !== 'off' && authSecret !== undefined) return authSecret;
    throw new Error(`no token for the user ${user}: set auth to 'optional' or 'required', and authSecret`);
  }
}

function settingsOf(app: INestApplication): Settings {
  try {
    return app.get(Settings, { strict: false });
  } catch (cause) {
    throw new Error('startTestApp needs SwitchboardModule.forRoot() in the imports of a module of the application', {
      cause,
    });
  }
}
