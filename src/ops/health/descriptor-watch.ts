import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { closeSync, openSync } from 'node:fs';
import { Log } from '../../telemetry/log.js';

const LOOK_MS = 1000;

/**
 * Says when the process has no file descriptor left: the system then turns newcomers away without a word to us, and
 * nobody who is connected notices.
 */
@Injectable()
export class DescriptorWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #exhausted = false;

  constructor(private readonly log: Log) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const exhausted = !canOpen();
    if (exhausted === this.#exhausted) return;
    this.#exhausted = exhausted;
    if (exhausted) this.log.error('no file descriptor is left: nobody new can connect; raise the limit (ulimit -n)');
    else this.log.warn('there are file descriptors again');
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
