import { Injectable } from '@nestjs/common';

export type Phase = 'starting' | 'ready' | 'draining';

/** Holds the phase of this node: starting, ready or draining. A phase never goes back to an earlier one. */
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
