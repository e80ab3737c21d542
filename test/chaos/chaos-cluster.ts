import { setTimeout as delay } from 'node:timers/promises';
import { FaultProxy } from '../support/fault-proxy.js';
import { Firewall } from '../support/firewall.js';
import { NatsServer } from '../support/nats.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import type { Random } from '../support/random.js';
import { SECRET } from '../support/tokens.js';
import type { Outage } from './outage.js';

const NODES = 3;
const SETTINGS = {
  BACKPLANE: 'nats',
  NODE_TIMEOUT_MS: '3000',
  BACKPLANE_TIMEOUT_MS: '1000',
  ARRIVAL_NOTICES: 'off',
  // Longer than any fault.
  RESUME_WINDOW_MS: '15000',
  DRAIN_SPREAD_MS: '500',
  DRAIN_TIMEOUT_MS: '4000',
  MAX_CONNECTIONS: '0',
  AUTH: 'optional',
  AUTH_SECRET: SECRET,
};

interface ChaosNode {
  readonly url: string;
  readonly port: number;
  /** Between this node and NATS. */
  readonly proxy: FaultProxy;
  /** Undefined while the node is down. */
  process: ServerProcess | undefined;
}

/** Faults by name; each resolves when the cluster may recover. Packets are dropped only where iptables is allowed. */
export const FAULTS = {
  'a node is killed': (cluster: ChaosCluster) => cluster.killNode(),
  'a node is paused': (cluster: ChaosCluster) => cluster.pauseNode(),
  'a node drains': (cluster: ChaosCluster) => cluster.drainNode(),
  'NATS is restarted': (cluster: ChaosCluster) => cluster.restartNats(),
  'NATS is paused': (cluster: ChaosCluster) => cluster.pauseNats(),
  "a node's connection to NATS is cut": (cluster: ChaosCluster) => cluster.cutProxy(),
  "a node's connection to NATS is stalled": (cluster: ChaosCluster) => cluster.stallProxy(),
  ...(Firewall.works && {
    "a node's packets to NATS are dropped (iptables)": (cluster: ChaosCluster) => cluster.dropPackets(),
  }),
};

/** Runs three nodes, each connected to one NATS server through a {@link FaultProxy} of its own. */
export class ChaosCluster {
  readonly #nodes: ChaosNode[] = [];
  /** Times at which nodes could not publish. */
  readonly outages: Outage[] = [];
  readonly #firewall = new Firewall();

  private constructor(
    private readonly nats: NatsServer,
    private readonly random: Random,
  ) {}

  static async start(random: Random): Promise<ChaosCluster> {
    const nats = await NatsServer.start();
    const cluster = new ChaosCluster(nats, random);
    for (let count = 0; count < NODES; count++) {
      const [port] = await freePorts();
      const proxy = await FaultProxy.start(nats.port);
      const node: ChaosNode = { url: `ws://127.0.0.1:${port}/wss`, port, proxy, process: undefined };
      cluster.#nodes.push(node);
      await cluster.#startNode(node);
    }
    return cluster;
  }

  /** Addresses of the running nodes; a draining node, which rejects handshakes, is among them. */
  readonly urls = (): string[] => this.#nodes.filter(({ process }) => process !== undefined).map(({ url }) => url);

  async killNode(): Promise<void> {
    const node = this.#anyNode();
    await node.process!.kill();
    node.process = undefined;
    await delay(this.random.between(0, 4000));
    await this.#startNode(node);
  }

  async pauseNode(): Promise<void> {
    const { process } = this.#anyNode();
    process!.signal('SIGSTOP');
    await delay(this.random.between(200, 7000));
    process!.signal('SIGCONT');
  }

  async drainNode(): Promise<void> {
    const node = this.#anyNode();
    node.process!.signal('SIGTERM');
    await node.process!.ended;
    node.process = undefined;
    await this.#startNode(node);
  }

  async restartNats(): Promise<void> {
    await this.#recordOutage(this.#nodes, async () => {
      await this.nats.stop();
      await delay(this.random.between(0, 4000));
      await this.nats.start();
    });
  }

  async pauseNats(): Promise<void> {
    await this.#recordOutage(this.#nodes, async () => {
      await this.nats.pause();
      await delay(this.random.between(200, 5000));
      this.nats.resume();
    });
  }

  cutProxy(): Promise<void> {
    return this.#isolateNode(
      0,
      ({ proxy }) => proxy.disable(),
      ({ proxy }) => proxy.enable(),
    );
  }

  stallProxy(): Promise<void> {
    return this.#isolateNode(
      200,
      ({ proxy }) => proxy.stall(),
      ({ proxy }) => proxy.enable(),
    );
  }

  dropPackets(): Promise<void> {
    return this.#isolateNode(
      200,
      ({ proxy }) => this.#firewall.drop(proxy.port),
      ({ proxy }) => this.#firewall.pass(proxy.port),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(async ({ process }) => process?.kill()));
    await Promise.all(this.#nodes.map(({ proxy }) => proxy.stop()));
    await this.nats.stop();
  }

  async #isolateNode(leastMs: number, begin: (node: ChaosNode) => void, end: (node: ChaosNode) => void): Promise<void> {
    const node = this.#anyNode();
    await this.#recordOutage([node], async () => {
      begin(node);
      await delay(this.random.between(leastMs, 6000));
      end(node);
    });
  }

  /** Runs a fault during which these nodes cannot publish, and records when. */
  async #recordOutage(nodes: readonly ChaosNode[], fault: () => Promise<void>): Promise<void> {
    const fromMs = performance.now();
    await fault();
    for (const { url } of nodes) this.outages.push({ url, fromMs, toMs: performance.now() });
  }

  #anyNode(): ChaosNode {
    return this.random.pick(this.#nodes);
  }

  async #startNode(node: ChaosNode): Promise<void> {
    const NATS_URL = `nats://127.0.0.1:${node.proxy.port}`;
    node.process = await ServerProcess.start({ ...SETTINGS, PORT: String(node.port), NATS_URL });
  }
}
