import { Injectable } from '@nestjs/common';
import {
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { Backplane } from '../../cluster/backplane.js';
import { NodeState, type ReadinessCheck } from '../../node/node-state.js';
import { Settings } from '../../settings/settings.js';
import { EventLoopDelay } from '../../telemetry/event-loop-delay.js';

/** Checks whether the process is alive and whether it is ready for new connections. */
@Injectable()
export class NodeHealth {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly nodeState: NodeState,
    private readonly eventLoopDelay: EventLoopDelay,
    private readonly backplane: Backplane,
    private readonly settings: Settings,
  ) {}

  /** Checks nothing, because a process that hangs does not answer at all. */
  live(): Promise<HealthCheckResult> {
    return this.health.check([]);
  }

  ready(): Promise<HealthCheckResult> {
    const others = [...this.nodeState.readinessChecks].map(
      ([name, check]) =>
        () =>
          this.#outcome(name, check),
    );
    return this.health.check([() => this.#phase(), () => this.#eventLoop(), () => this.#backplane(), ...others]);
  }

  #outcome(name: string, check: ReadinessCheck): HealthIndicatorResult {
    const { isReady, ...details } = check();
    const indicator = this.indicators.check(name);
    return isReady ? indicator.up(details) : indicator.down(details);
  }

  #phase(): HealthIndicatorResult {
    const { phase } = this.nodeState;
    const indicator = this.indicators.check('node');
    return phase === 'ready' ? indicator.up({ phase }) : indicator.down({ phase });
  }

  #eventLoop(): HealthIndicatorResult {
    const delayMs = Math.round(this.eventLoopDelay.recent.p90);
    const boundMs = this.settings.eventLoopDelayMs;
    const indicator = this.indicators.check('eventLoop');
    return delayMs <= boundMs ? indicator.up({ delayMs, boundMs }) : indicator.down({ delayMs, boundMs });
  }

  /**
   * Not ready before the node has joined its cluster, while NATS refuses what the node needs, and after
   * `NODE_TIMEOUT_MS` without NATS. A shorter interruption must not take a node out of service.
   */
  #backplane(): HealthIndicatorResult {
    const { outage, peerCount } = this.backplane;
    const indicator = this.indicators.check('backplane');
    if (outage === undefined) return indicator.up({ others: peerCount });
    const unlinkedMs = Math.round(performance.now() - outage.sinceMs);
    return outage.kind === 'lost' && unlinkedMs <= this.settings.nodeTimeoutMs
      ? indicator.up({ others: peerCount })
      : indicator.down({ unlinkedMs, reason: outage.reason });
  }
}
