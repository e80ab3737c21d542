import { randomBytes } from 'node:crypto';
import { freemem, loadavg } from 'node:os';
import { createApp, drainOnSignals, logUnhandledRejections, startApp } from 'switchboard';
import { DashboardModule } from './dashboard.module.js';
import { post } from './feed.js';

const EVERY_MS = 1000;
const MIB = 2 ** 20;

const key = process.env['API_KEYS']?.split(',')[0] ?? randomBytes(24).toString('base64url');
const app = await createApp({ variables: { API_KEYS: process.env['API_KEYS'] ?? key }, handlers: [DashboardModule] });
drainOnSignals(app);
logUnhandledRejections(app);
const url = `http://127.0.0.1:${await startApp(app)}`;

// The feed could be another process, because it uses HTTP. It runs here so that the example is one command.
const feed = setInterval(() => {
  const values = { 'load of the machine': loadavg()[0] ?? 0, 'free memory, MiB': Math.round(freemem() / MIB) };
  post({ url, key }, values).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
}, EVERY_MS);
feed.unref();
