import { buildIfStale } from './build-if-stale.js';

/** Builds if there is no build or a source is newer, then starts the server in this process. */
buildIfStale();
await import('../dist/main.js');
