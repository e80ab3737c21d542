import { Logger, type INestApplication } from '@nestjs/common';
import { constants } from 'node:os';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { DrainOnClose } from '../ops/shutdown/drain-on-close.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type Signal = (typeof SIGNALS)[number];
/** Share of `DRAIN_TIMEOUT_MS` after which the process exits whatever still runs. */
const EXIT_AT = 0.97;
/**
 * Time in which the same signal again is a repetition of the first. npm passes on the signal of a terminal or of a process
 * manager, which has sent the signal to all processes of the group already.
 */
const REPEATED_MS = 1000;

/** An application as Nest implements it: the signal goes to the shutdown hooks of the providers. */
type ClosableApplication = INestApplication & { close(signal?: string): Promise<void> };

/**
 * Closes the application on the first `SIGTERM` or `SIGINT`, which drains, and exits with 0, at the latest after
 * `DRAIN_TIMEOUT_MS`. Another signal, or the same one a second later, exits at once with 128 plus its number.
 * `enableShutdownHooks` may be called too.
 */
export function drainOnSignals(app: INestApplication): void {
  const closing = new SignalledClose(app);
  for (const signal of SIGNALS) process.on(signal, () => closing.onSignal(signal));
}

/**
 * Logs rejections that nothing handles, such as those of an async hook of a gateway. By default Node.js would exit and
 * end all sessions.
 */
export function logUnhandledRejections(app: INestApplication): void {
  process.on('unhandledRejection', (reason) => app.get(Log).error(reason));
}

/** Turns signals into one close of the application, whatever else closes it at the same time. */
class SignalledClose {
  readonly #logger = new Logger('Signals');
  #first: { readonly signal: Signal; readonly atMs: number } | undefined;
  #isClosed = false;

  constructor(private readonly app: ClosableApplication) {
    // Nest answers a `close` during a close with the promise of the first one.
    app.get(DrainOnClose).onClosing(
      () =>
        void app.close().then(
          () => (this.#isClosed = true),
          () => undefined,
        ),
    );
  }

  onSignal(signal: Signal): void {
    // Nest's own listener may send the signal again after the hooks.
    if (this.#isClosed) process.exit(0);
    const first = this.#first;
    if (first?.signal === signal && performance.now() - first.atMs < REPEATED_MS) return;
    if (first !== undefined) {
      this.#logger.warn('second signal: exiting without draining', { signal });
      this.#exit(128 + constants.signals[signal]);
    }
    this.#first = { signal, atMs: performance.now() };
    void this.#close(signal);
  }

  async #close(signal: Signal): Promise<void> {
    const { drainTimeoutMs } = this.app.get(Settings);
    setTimeout(() => {
      this.#logger.warn('drain timed out: exiting', { drainTimeoutMs });
      this.#exit(0);
    }, drainTimeoutMs * EXIT_AT);
    try {
      await this.app.close(signal);
      this.#exit(0);
    } catch (error) {
      this.#logger.error(error instanceof Error ? error : String(error), { signal });
      process.exit(1);
    }
  }

  #exit(code: number): never {
    this.app.get(Log).end();
    process.exit(code);
  }
}
