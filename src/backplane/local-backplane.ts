import { Injectable } from '@nestjs/common';
import { Backplane, type Refusal } from './backplane.js';

/** One node alone: there is nobody to talk to, and nothing is elsewhere. */
@Injectable()
export class LocalBackplane extends Backplane {
  readonly unlinkedSinceMs = undefined;
  readonly others = 0;
  readonly waiting = 0;

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  reaches(): boolean {
    return false;
  }

  reachesAll(): boolean {
    return true;
  }

  direct(): Refusal {
    return 'receiver_not_found';
  }

  broadcast(): boolean {
    return true;
  }

  arrived(): void {}

  departed(): void {}

  async kick(): Promise<Refusal> {
    return 'receiver_not_found';
  }

  async views(): Promise<[]> {
    return [];
  }

  keeper(): undefined {}

  async work(): Promise<void> {}

  async flushed(): Promise<void> {}
}
