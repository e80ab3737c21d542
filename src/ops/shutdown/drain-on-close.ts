import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Log } from '../../telemetry/log.js';
import { Drain } from './drain.js';

/**
 * Makes `app.close()` begin with the drain. Nest awaits `beforeClose` of the HTTP adapter before all hooks of providers,
 * so that handlers and departure hooks find every provider alive. Signals lead to the same place.
 */
@Injectable()
export class DrainOnClose implements OnModuleInit {
  readonly #onClosing: (() => void)[] = [];

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly drain: Drain,
    private readonly log: Log,
  ) {}

  /**
   * Does nothing in an application without HTTP, which has no sessions.
   *
   * @throws {Error} for a version of Nest whose adapter has no `beforeClose`
   */
  onModuleInit(): void {
    const adapter = this.adapterHost.httpAdapter as typeof this.adapterHost.httpAdapter | null | undefined;
    if (adapter === null || adapter === undefined) return;
    if (typeof adapter.beforeClose !== 'function')
      throw new Error('unsupported version of Nest: its HTTP adapter has no "beforeClose"; install @nestjs/core 12');
    const beforeClose = adapter.beforeClose.bind(adapter);
    adapter.beforeClose = async (): Promise<void> => {
      for (const listener of this.#onClosing) listener();
      // A failed drain must not keep the providers from being destroyed.
      await this.drain.run().catch((error: unknown) => this.log.error(error));
      beforeClose(); // last, because health checks are answered while the node drains
    };
  }

  /** Adds a listener that is called each time the application begins to close. */
  onClosing(listener: () => void): void {
    this.#onClosing.push(listener);
  }
}
