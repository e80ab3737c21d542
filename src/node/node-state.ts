import { Injectable } from '@nestjs/common';

export type Phase = 'starting' | 'ready' | 'draining';

/** Whether this node is starting, ready or draining; moves one way only. */
@Injectable()
export class NodeState {
  #phase: Phase = 'starting';

  get phase(): Phase {
    return this.#phase;
  }

  ready(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  drain(): void {
    this.#phase = 'draining';
  }
}
