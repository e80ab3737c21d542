import { Injectable } from '@nestjs/common';

/**
 * What this process has counted since its start: plain numbers, so that counting costs the hot path one increment.
 * Turned into metrics only when somebody asks.
 */
@Injectable()
export class Telemetry {
  /** Sessions whose handlers have something to do now. */
  handlersRunning = 0;
  /** Sessions that a drain had to cut. */
  drainCut = 0;
}
