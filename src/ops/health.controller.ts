import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common';
import { Lifecycle } from '../lifecycle/lifecycle.js';

/** Says whether the process lives and whether it should be sent connections. */
@Controller('health')
export class HealthController {
  constructor(@Inject(Lifecycle) private readonly lifecycle: Lifecycle) {}

  @Get('live')
  live(): { status: string } {
    return { status: 'ok' };
  }

  @Get('ready')
  ready(): { status: string } {
    const { phase } = this.lifecycle;
    if (phase !== 'ready') throw new ServiceUnavailableException({ status: phase });
    return { status: 'ok' };
  }
}
