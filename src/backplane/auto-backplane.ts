import { Inject, Injectable } from '@nestjs/common';
import { lookup } from 'node:dns/promises';
import type { Frame } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { Backplane, type Answer, type Node, type Place, type Refusal, type View } from './backplane.js';
import { LocalBackplane } from './local-backplane.js';
import { NatsBackplane } from './nats-backplane.js';

const ASK_AGAIN_MS = 2000;

/**
 * Alone as long as no name in `NATS_URL` is known, and over NATS for ever from then on: so that one compose file serves
 * one node and many. A name that is known and a server that does not answer is a link that is lost, not solitude.
 */
@Injectable()
export class AutoBackplane extends Backplane {
  #in: Backplane = new LocalBackplane();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(NatsBackplane) private readonly nats: NatsBackplane,
    @Inject(Settings) private readonly settings: Settings,
    @Inject(Log) private readonly log: Log,
  ) {
    super();
  }

  get unlinkedSinceMs(): number | undefined {
    return this.#in.unlinkedSinceMs;
  }

  get others(): number {
    return this.#in.others;
  }

  get waiting(): number {
    return this.#in.waiting;
  }

  async start(node: Node): Promise<void> {
    if (await this.#named()) return this.#join(node);
    this.log.info('alone until NATS is known by name');
    this.#askAgain(node);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#in.stop();
  }

  reaches(receiver: string, bytes: number): boolean {
    return this.#in.reaches(receiver, bytes);
  }

  reachesAll(bytes: number): boolean {
    return this.#in.reachesAll(bytes);
  }

  direct(sender: string, receiver: string, frame: Frame, answer: Answer): Refusal | undefined {
    return this.#in.direct(sender, receiver, frame, answer);
  }

  broadcast(sender: string, frame: Frame): boolean {
    return this.#in.broadcast(sender, frame);
  }

  arrived(place: Place): void {
    this.#in.arrived(place);
  }

  departed(id: string, code: number): void {
    this.#in.departed(id, code);
  }

  async kick(id: string): Promise<Refusal | undefined> {
    return this.#in.kick(id);
  }

  async views(ids: readonly string[]): Promise<readonly View[]> {
    return this.#in.views(ids);
  }

  keeper(key: string): string | undefined {
    return this.#in.keeper(key);
  }

  async work(part: string, work: unknown): Promise<unknown> {
    return this.#in.work(part, work);
  }

  async flushed(): Promise<void> {
    return this.#in.flushed();
  }

  /** Whoever is here already is in the snapshot with which the link begins. */
  #join(node: Node): Promise<void> {
    this.#in = this.nats;
    return this.nats.start(node);
  }

  #askAgain(node: Node): void {
    const timer = setTimeout(async () => {
      const named = await this.#named();
      if (timer !== this.#timer) return; // stopped meanwhile
      if (named) await this.#join(node);
      else this.#askAgain(node);
    }, ASK_AGAIN_MS);
    this.#timer = timer;
  }

  async #named(): Promise<boolean> {
    const names = this.settings.natsUrl.map((server) => new URL(server).hostname);
    const found = await Promise.allSettled(names.map((name) => lookup(name)));
    return found.some(({ status }) => status === 'fulfilled');
  }
}
