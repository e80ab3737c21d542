import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FaultProxy } from '../support/fault-proxy.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import type { Random } from '../support/random.js';
import { SECRET } from '../support/tokens.js';
import type { ChaosClient } from './chaos-client.js';

/** Longer than any fault, the start of a node on a busy machine, and the time until a client connects again. */
const RESUME_WINDOW_MS = 30_000;
const SETTINGS = {
  ARRIVAL_NOTICES: 'off',
  RESUME_WINDOW_MS: `${RESUME_WINDOW_MS}`,
  AWAY_NOTICE_MS: '300',
  HEARTBEAT_MS: '3000',
  DRAIN_SPREAD_MS: '200',
  DRAIN_TIMEOUT_MS: '4000',
  MAX_CONNECTIONS: '0',
  AUTH: 'optional',
  AUTH_SECRET: SECRET,
};
const FAULT_MS = [0, 3000] as const;
const CUTS = 50;
const BETWEEN_CUTS_MS = 20;
/** Clients that stay away until their sessions have ended. */
const LEAVERS = 10;
const LEAVE_MS = RESUME_WINDOW_MS + 1000;

/** Faults by name; each resolves when the clients may connect again. */
export const NODE_FAULTS = {
  'connections are cut one by one': (node: ChaosNode) => node.cutSome(),
  'all connections are cut': (node: ChaosNode) => node.cutAll(),
  'no connection is possible': (node: ChaosNode) => node.refuse(),
  'the network stalls': (node: ChaosNode) => node.stall(),
  'the network drops everything': (node: ChaosNode) => node.discard('everything'),
  'the network drops what the server sends': (node: ChaosNode) => node.discard('responses'),
  'the node is paused': (node: ChaosNode) => node.pause(),
  'the node restarts': (node: ChaosNode) => node.restart(),
  'clients stay away until their sessions have ended': (node: ChaosNode) => node.leave(),
};

/** Runs one node behind a {@link FaultProxy}. Its sessions survive a restart. */
export class ChaosNode {
  clients: readonly ChaosClient[] = [];
  /** Clients that stayed away until their sessions had ended. */
  left = 0;

  private constructor(
    private readonly random: Random,
    private readonly folder: string,
    private readonly port: number,
    private readonly proxy: FaultProxy,
    private process: ServerProcess,
  ) {}

  static async start(random: Random): Promise<ChaosNode> {
    const [port] = await freePorts();
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-chaos-'));
    const proxy = await FaultProxy.start(port);
    return new ChaosNode(random, folder, port, proxy, await startProcess(port, folder));
  }

  readonly urls = (): string[] => [this.proxy.url];

  async cutSome(): Promise<void> {
    for (let count = 0; count < CUTS; count++) {
      this.random.pick(this.clients).cut();
      await delay(BETWEEN_CUTS_MS);
    }
  }

  async cutAll(): Promise<void> {
    this.proxy.cut();
  }

  async refuse(): Promise<void> {
    this.proxy.disable();
    await this.#wait();
    this.proxy.enable();
  }

  async stall(): Promise<void> {
    this.proxy.stall();
    await this.#wait();
    this.proxy.enable();
  }

  /** Drops bytes for a while. Connections that have lost bytes are cut, because TCP never goes on without them. */
  async discard(what: 'responses' | 'everything'): Promise<void> {
    this.proxy.discards = what;
    await this.#wait();
    this.proxy.cut();
    this.proxy.discards = 'nothing';
  }

  async pause(): Promise<void> {
    this.process.signal('SIGSTOP');
    await this.#wait();
    this.process.signal('SIGCONT');
  }

  async restart(): Promise<void> {
    this.process.signal('SIGTERM');
    await this.process.ended;
    this.process = await startProcess(this.port, this.folder);
  }

  async leave(): Promise<void> {
    for (let count = 0; count < LEAVERS; count++) this.random.pick(this.clients).leave(LEAVE_MS);
    this.left += LEAVERS;
    await delay(LEAVE_MS);
  }

  async stop(): Promise<void> {
    await this.process.kill();
    await this.proxy.stop();
    await rm(this.folder, { recursive: true });
  }

  async #wait(): Promise<void> {
    await delay(this.random.between(...FAULT_MS));
  }
}

function startProcess(port: number, folder: string): Promise<ServerProcess> {
  return ServerProcess.start({ ...SETTINGS, PORT: `${port}`, RESUME_STATE_DIR: folder });
}
