import { Injectable } from '@nestjs/common';

/** Says whether one condition of readiness is met; further fields are details for operators. */
export type ReadinessCheck = () => { readonly isReady: boolean; readonly [detail: string]: string | number | boolean };

export type Phase = 'starting' | 'ready' | 'draining';

/** Holds the phase of this node: starting, ready or draining. A phase never goes back to an earlier one. */
@Injectable()
export class NodeState {
  #phase: Phase = 'starting';
  #drainingSinceMs: number | undefined;
  readonly #onDraining: (() => void)[] = [];
  readonly #readinessChecks = new Map<string, ReadinessCheck>();

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

  /** Adds a condition of `/health/ready`. @param name its field in the answer */
  addReadinessCheck(name: string, check: ReadinessCheck): void {
    this.#readinessChecks.set(name, check);
  }

  get readinessChecks(): ReadonlyMap<string, ReadinessCheck> {
    return this.#readinessChecks;
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
