import { Injectable } from '@nestjs/common';
import { lookup } from 'node:dns/promises';
import type { Frame } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import {
  Backplane,
  type DeliveryCallback,
  type ClusterDelegate,
  type SessionInfo,
  type DeliveryFailure,
  type SessionDetails,
} from './backplane.js';
import { LocalBackplane } from './local-backplane.js';
import { NatsBackplane } from './nats/nats-backplane.js';

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
    private readonly nats: NatsBackplane,
    private readonly settings: Settings,
    private readonly log: Log,
  ) {
    super();
  }

  get disconnectedSinceMs(): number | undefined {
    return this.#in.disconnectedSinceMs;
  }

  get peerCount(): number {
    return this.#in.peerCount;
  }

  get waiting(): number {
    return this.#in.waiting;
  }

  async start(delegate: ClusterDelegate): Promise<void> {
    if (await this.#named()) return this.#join(delegate);
    this.log.info('alone until NATS is known by name');
    this.#askAgain(delegate);
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

  deliver(sender: string, receiver: string, frame: Frame, callback: DeliveryCallback): DeliveryFailure | undefined {
    return this.#in.deliver(sender, receiver, frame, callback);
  }

  broadcast(sender: string, frame: Frame): boolean {
    return this.#in.broadcast(sender, frame);
  }

  arrived(sessionInfo: SessionInfo): void {
    this.#in.arrived(sessionInfo);
  }

  departed(id: string, code: number): void {
    this.#in.departed(id, code);
  }

  async kick(id: string): Promise<DeliveryFailure | undefined> {
    return this.#in.kick(id);
  }

  async sessionDetails(ids: readonly string[]): Promise<readonly SessionDetails[]> {
    return this.#in.sessionDetails(ids);
  }

  ownerOf(key: string): string | undefined {
    return this.#in.ownerOf(key);
  }

  async rpc(part: string, work: unknown): Promise<unknown> {
    return this.#in.rpc(part, work);
  }

  async flushed(): Promise<void> {
    return this.#in.flushed();
  }

  /** Whoever is here already is in the snapshot with which the link begins. */
  #join(delegate: ClusterDelegate): Promise<void> {
    this.#in = this.nats;
    return this.nats.start(delegate);
  }

  #askAgain(delegate: ClusterDelegate): void {
    const timer = setTimeout(async () => {
      const named = await this.#named();
      if (timer !== this.#timer) return; // stopped meanwhile
      if (named) await this.#join(delegate);
      else this.#askAgain(delegate);
    }, ASK_AGAIN_MS);
    this.#timer = timer;
  }

  async #named(): Promise<boolean> {
    const names = this.settings.natsUrl.map((server) => new URL(server).hostname);
    const found = await Promise.allSettled(names.map((name) => lookup(name)));
    return found.some(({ status }) => status === 'fulfilled');
  }
}
