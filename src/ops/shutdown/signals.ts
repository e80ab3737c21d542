import { Logger, type INestApplication } from '@nestjs/common';
import type { Server } from 'node:http';
import { constants } from 'node:os';
import { Settings } from '../../settings/settings.js';
import { Log } from '../../telemetry/log.js';
import { Drain } from './drain.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Share of `DRAIN_TIMEOUT_MS` after which the process exits whatever still runs. */
const EXIT_AT = 0.97;
/** Time that HTTP requests under way have to finish after the drain. */
const HTTP_GRACE_MS = 500;

/**
 * Drains on the first `SIGTERM` or `SIGINT` and exits with 0. A second signal exits at once with 128 plus its number.
 */
export function drainOnSignals(app: INestApplication): void {
  const logger = new Logger('Signals');
  let draining = false;
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (draining) {
        logger.warn('second signal: exiting without draining', { signal });
        app.get(Log).end();
        process.exit(128 + constants.signals[signal]);
      }
      draining = true;
      void drainAndExit(app, signal, logger);
    });
}

/**
 * Logs rejections that nothing handles, such as those of an async hook of a gateway. By default Node.js would exit and
 * end all sessions.
 */
export function logUnhandledRejections(app: INestApplication): void {
  process.on('unhandledRejection', (reason) => app.get(Log).error(reason));
}

async function drainAndExit(app: INestApplication, signal: string, logger: Logger): Promise<void> {
  const { drainTimeoutMs } = app.get(Settings);
  setTimeout(() => {
    logger.warn('drain timed out: exiting', { drainTimeoutMs });
    app.get(Log).end();
    process.exit(0);
  }, drainTimeoutMs * EXIT_AT);
  try {
    await app.get(Drain).run();
    // Idle keep-alive connections would keep the process alive.
    setTimeout(() => (app.getHttpServer() as Server).closeAllConnections(), HTTP_GRACE_MS).unref();
    await app.close();
    app.get(Log).end();
    process.exit(0);
  } catch (error) {
    logger.error(error instanceof Error ? error : String(error), { signal });
    process.exit(1);
  }
}
