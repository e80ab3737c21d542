import { afterAll } from 'vitest';
import { stopFronts } from './proxied-server.js';

// A setup file of the contract tests behind proxies. The proxies of a spec file serve all its servers, one after the other.
afterAll(stopFronts);
