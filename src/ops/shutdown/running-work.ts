import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { Backplane } from '../../cluster/backplane.js';
import { SlowConsumers } from '../../sessions/slow-consumers.js';
import { Counters } from '../../telemetry/counters.js';
import { Log } from '../../telemetry/log.js';

/** Interval at which the condition to end a step is checked. */
const POLL_MS = 10;

/**
 * Waits for what this node still does for clients. Each wait ends when nothing is left, or at its deadline on the clock of
 * `performance.now()`.
 */
@Injectable()
export class RunningWork {
  constructor(
    private readonly counters: Counters,
    private readonly slowConsumers: SlowConsumers,
    private readonly backplane: Backplane,
    private readonly log: Log,
  ) {}

  /**
   * Waits until no handler of a gateway runs, no system request of a client waits for its answer, and all HTTP requests have
   * ended that are complete now. An incomplete one needs its client, and later ones would never all end.
   */
  async callsEnded(deadlineMs: number): Promise<void> {
    const { counters } = this;
    const requests: readonly IncomingMessage[] = [...counters.requestsRunning].filter(({ complete }) => complete);
    await until(
      () => this.#calls === 0 && !requests.some((request) => counters.requestsRunning.has(request)),
      deadlineMs,
    );
  }

  /** Waits until no handler and no system request runs, clients have taken all bytes, and other nodes all messages. */
  async delivered(deadlineMs: number): Promise<void> {
    const waiting = (): number => this.slowConsumers.undeliveredBytes + this.backplane.waiting;
    await until(() => this.#calls === 0 && waiting() === 0, deadlineMs);
  }

  /** Calls of clients that have not ended. */
  get #calls(): number {
    return this.counters.handlersRunning + this.counters.systemRequestsRunning;
  }

  /** Waits until no WebSocket is open. */
  async webSocketsClosed(deadlineMs: number): Promise<void> {
    await until(() => this.counters.webSockets === 0, deadlineMs);
  }

  /** Waits for the departure hooks of the application, because they may need providers that the close destroys. */
  async departureHooksEnded(deadlineMs: number): Promise<void> {
    await turn(); // the hooks of a session that has just left begin in the next tick
    const { counters } = this;
    await until(() => counters.webSockets === 0 && counters.departureHooksRunning === 0, deadlineMs);
    const { departureHooksRunning: hooks } = counters;
    if (hooks > 0) this.log.warn('departure hooks still run after the drain', { hooks });
  }
}

async function until(condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && performance.now() < deadlineMs) await delay(POLL_MS);
}
