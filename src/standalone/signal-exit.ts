import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Log } from '../telemetry/log.js';

/**
 * Makes the process exit with 0 after `enableShutdownHooks`. Nest sends itself the signal again after all hooks, and
 * supervisors would count the end by a signal as a crash.
 */
@Injectable()
export class SignalExit implements OnApplicationShutdown {
  constructor(private readonly log: Log) {}

  onApplicationShutdown(signal?: string): void {
    this.log.end();
    if (signal !== undefined) process.once(signal, () => process.exit(0));
  }
}
