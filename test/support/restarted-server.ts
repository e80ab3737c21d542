import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module, type Type } from '@nestjs/common';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { freePorts } from './ports.js';
import { startNode, type TestServer } from './server.js';

/** A server whose sessions outlive its process: each process has the same port and the same `RESUME_STATE_DIR`. */
export class RestartedServer {
  /** Settings of the next process. */
  readonly variables: Record<string, string> = { ARRIVAL_NOTICES: 'off' };
  #server: TestServer | undefined;

  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly gateways: Type[],
  ) {}

  static async start(...gateways: Type[]): Promise<RestartedServer> {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-restart-'));
    const [port] = await freePorts();
    const restarted = new RestartedServer(folder, port, gateways);
    await restarted.start();
    return restarted;
  }

  get url(): string {
    return this.#server!.url;
  }

  get app(): TestServer['app'] {
    return this.#server!.app;
  }

  /** Path of the file of saved sessions. */
  get path(): string {
    return join(this.folder, 'sessions.state');
  }

  /** Names of the files in the folder. */
  get files(): Promise<string[]> {
    return readdir(this.folder);
  }

  async start(changes: Record<string, string> = {}): Promise<void> {
    const { gateways: providers, port, folder } = this;
    @Module({ providers })
    class Gateways {}
    const variables = { ...this.variables, PORT: String(port), RESUME_STATE_DIR: folder, ...changes };
    this.#server = await startNode(variables, [Gateways as never]);
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Drains this process and starts the next one. @param changes settings of the next one alone */
  async restart(changes?: Record<string, string>): Promise<void> {
    await this.stop();
    await this.start(changes);
  }

  /** Stops the server and removes the folder. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true });
  }

  /** Returns the session of a client. */
  session({ id }: { readonly id: string }): Session {
    return this.app.get(SessionRegistry).find(id)!;
  }

  /** Waits until the session of a client is away, and returns it. */
  async away(client: { readonly id: string }): Promise<Session> {
    const session = this.session(client);
    if (session.state !== 'away')
      await new Promise<void>((resolve) => {
        const away = (each: Session): void => void (each === session && resolve());
        this.app.get(SessionRegistry).addListener('hooks', { away });
      });
    return session;
  }
}
