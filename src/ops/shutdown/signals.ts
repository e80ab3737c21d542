import { Logger, type INestApplication } from '@nestjs/common';
import type { Server } from 'node:http';
import { constants } from 'node:os';
import { Settings } from '../../settings/settings.js';
import { Log } from '../../telemetry/log.js';
import { Drain } from './drain.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Which part of the time has passed when the process ends although something still holds it. */
const END_AT = 0.97;
/** How long a request that is being answered may still take once all sessions have gone. */
const HTTP_GRACE_MS = 500;

/** Drains on the first signal and then ends with 0; ends at once on the second. */
export function drainOnSignals(app: INestApplication): void {
  const logger = new Logger('Signals');
  let ending = false;
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (ending) {
        logger.warn('ended by a second signal', { signal });
        app.get(Log).end();
        process.exit(128 + constants.signals[signal]);
      }
      ending = true;
      void end(app, signal, logger);
    });
}

/** Logs a promise that nobody waits for, such as that of an async hook of a handler: it must not end everybody's sessions. */
export function logUnhandledRejections(app: INestApplication): void {
  process.on('unhandledRejection', (reason) => app.get(Log).error(reason instanceof Error ? reason : String(reason)));
}

async function end(app: INestApplication, signal: string, logger: Logger): Promise<void> {
  const { drainTimeoutMs } = app.get(Settings);
  setTimeout(() => {
    logger.warn('the time to drain is over', { drainTimeoutMs });
    app.get(Log).end();
    process.exit(0);
  }, drainTimeoutMs * END_AT);
  try {
    await app.get(Drain).run();
    // Connections that ask nothing would hold the process, too.
    setTimeout(() => (app.getHttpServer() as Server).closeAllConnections(), HTTP_GRACE_MS).unref();
    await app.close();
    app.get(Log).end();
    process.exit(0);
  } catch (error) {
    logger.error(error instanceof Error ? error : String(error), { signal });
    process.exit(1);
  }
}
