import { Controller, Get, Inject } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { Backplane } from '../backplane/backplane.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Settings } from '../settings/settings.js';
import { LoopDelay } from '../telemetry/loop-delay.js';

/** Says whether the process lives and whether it should be sent connections. */
@Controller('health')
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(Lifecycle) private readonly lifecycle: Lifecycle,
    @Inject(LoopDelay) private readonly delay: LoopDelay,
    @Inject(Backplane) private readonly backplane: Backplane,
    @Inject(Settings) private readonly settings: Settings,
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
    const { phase } = this.lifecycle;
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
    const { unlinkedSinceMs, others } = this.backplane;
    const unlinkedMs = unlinkedSinceMs === undefined ? 0 : Math.round(performance.now() - unlinkedSinceMs);
    const indicator = this.indicators.check('backplane');
    return unlinkedMs <= this.settings.nodeTimeoutMs ? indicator.up({ others }) : indicator.down({ unlinkedMs });
  }
}
