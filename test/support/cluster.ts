import type { DynamicModule } from '@nestjs/common';
import { Backplane } from '../../src/cluster/backplane.js';
import { NatsServer } from './nats.js';
import { startNode, type TestServer } from './server.js';

/** Several nodes in this process, connected to one real NATS server. */
export class Cluster {
  private constructor(
    readonly nats: NatsServer,
    readonly nodes: TestServer[],
    private readonly variables: Record<string, string>,
    private readonly handlers: DynamicModule['imports'] | undefined,
  ) {}

  static async start(
    size: number,
    variables: Record<string, string> = {},
    handlers?: DynamicModule['imports'],
    ...natsFlags: readonly string[]
  ): Promise<Cluster> {
    const nats = await NatsServer.start(...natsFlags);
    const cluster = new Cluster(nats, [], variables, handlers);
    for (let count = 0; count < size; count++) await cluster.add();
    return cluster;
  }

  /** The address of one node. */
  url(index: number): string {
    return this.nodes[index]!.url;
  }

  backplane(index: number): Backplane {
    return this.nodes[index]!.app.get(Backplane);
  }

  /** Starts one more node. */
  async add(more: Record<string, string> = {}): Promise<TestServer> {
    const variables = { BACKPLANE: 'nats', NATS_URL: this.nats.url, ...this.variables, ...more };
    const node = await startNode(variables, this.handlers);
    this.nodes.push(node);
    return node;
  }

  /** Resolves when all nodes have processed each other's earlier messages. */
  async settled(): Promise<void> {
    for (let round = 0; round < 3; round++)
      await Promise.all(this.nodes.map(({ app }) => app.get(Backplane).flushed()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.nats.stop();
  }
}
