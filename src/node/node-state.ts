import { Injectable } from '@nestjs/common';

export type Phase = 'starting' | 'ready' | 'draining';

/** Holds the phase of this node: starting, ready or draining. A phase never goes back to an earlier one. */
@Injectable()
export class NodeState {
  #phase: Phase = 'starting';
  #drainingSinceMs: number | undefined;
  readonly #onDraining: (() => void)[] = [];

  get phase(): Phase {
    return this.#phase;
  }

  /** When the drain began, on the clock of `performance.now()`. */
  get drainingSinceMs(): number | undefined {
    return this.#drainingSinceMs;
  }

  ready(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  /** Begins the drain; does nothing in a node that drains. */
  drain(): void {
    if (this.#phase === 'draining') return;
    this.#phase = 'draining';
    this.#drainingSinceMs = performance.now();
    for (const listener of this.#onDraining) listener();
  }

  /** Adds a listener that is called once, when the drain begins. */
  onDraining(listener: () => void): void {
    this.#onDraining.push(listener);
  }
}
