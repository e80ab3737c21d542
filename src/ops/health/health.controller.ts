import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { Backplane } from '../../cluster/backplane.js';
import { NodeState } from '../../node/node-state.js';
import { Settings } from '../../settings/settings.js';
import { EventLoopDelay } from '../../telemetry/event-loop-delay.js';

/** Says whether the process lives and whether it should be sent connections. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly nodeState: NodeState,
    private readonly delay: EventLoopDelay,
    private readonly backplane: Backplane,
    private readonly settings: Settings,
  ) {}

  /** That this is answered is the whole of it: a process that hangs says nothing. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([]);
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.#phase(), () => this.#eventLoop(), () => this.#others()]);
  }

  #phase(): HealthIndicatorResult {
    const { phase } = this.nodeState;
    const indicator = this.indicators.check('node');
    return phase === 'ready' ? indicator.up({ phase }) : indicator.down({ phase });
  }

  #eventLoop(): HealthIndicatorResult {
    const delayMs = Math.round(this.delay.recent.p90);
    const boundMs = this.settings.eventLoopDelayMs;
    const indicator = this.indicators.check('eventLoop');
    return delayMs <= boundMs ? indicator.up({ delayMs, boundMs }) : indicator.down({ delayMs, boundMs });
  }

  /** A link that is lost for a moment must not take a node out of service; one that is alone for long should be. */
  #others(): HealthIndicatorResult {
    const { disconnectedSinceMs, peerCount } = this.backplane;
    const unlinkedMs = disconnectedSinceMs === undefined ? 0 : Math.round(performance.now() - disconnectedSinceMs);
    const indicator = this.indicators.check('backplane');
    return unlinkedMs <= this.settings.nodeTimeoutMs
      ? indicator.up({ others: peerCount })
      : indicator.down({ unlinkedMs });
  }
}
