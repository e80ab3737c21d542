import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheck, type HealthCheckResult } from '@nestjs/terminus';
import { NodeHealth } from './node-health.js';

/** Answers whether the process is alive and whether it is ready for new connections. */
@ApiExcludeController()
@Controller('health')
export class HealthController {
  constructor(private readonly health: NodeHealth) {}

  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.live();
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.ready();
  }
}
