import { createApp, startApp } from './standalone/app.js';
import { drainOnSignals, logUnhandledRejections } from './standalone/signals.js';
import { EXIT_CONFIG } from './settings/environment.js';
import { ListenError } from './standalone/server-address.js';
import { StartError } from './settings/start-error.js';

try {
  const app = await createApp();
  drainOnSignals(app);
  logUnhandledRejections(app);
  await startApp(app);
} catch (error) {
  if (error instanceof StartError) fail(error.lines, EXIT_CONFIG);
  fail([error instanceof ListenError ? error.message : String(error)], 1);
}

/** Prints one line for each problem and exits. */
function fail(lines: readonly string[], exitCode: number): never {
  for (const line of lines) process.stderr.write(`switchboard: ${line}\n`);
  process.exit(exitCode);
}
