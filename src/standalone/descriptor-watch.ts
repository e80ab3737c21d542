import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { closeSync, openSync } from 'node:fs';
import { Log } from '../telemetry/log.js';

const CHECK_MS = 1000;

/**
 * Logs when the process runs out of file descriptors and when it has some again. The operating system then rejects new
 * connections by itself, and connected sessions do not notice.
 */
@Injectable()
export class DescriptorWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #exhausted = false;

  constructor(private readonly log: Log) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#check(), CHECK_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const exhausted = !canOpen();
    if (exhausted === this.#exhausted) return;
    this.#exhausted = exhausted;
    if (exhausted) this.log.error('out of file descriptors: new connections fail; raise the limit (ulimit -n)');
    else this.log.warn('file descriptors available again');
  }
}

function canOpen(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EMFILE';
  }
}
