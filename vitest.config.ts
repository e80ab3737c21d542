import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { componentsOfSpecs, isIn, LONG, SEPARATE } from './scripts/spec-files.js';

/** Spec files that run a program beyond Node and npm. */
const NEEDING = [...componentsOfSpecs()].flatMap(([path, components]) => (components.length > 0 ? [path] : []));
/** Files that `vitest.config.ts` in their folder or a project of their own includes. */
const APART = [...LONG, ...SEPARATE].map((folder) => `test/${folder}/**`);

/** Contract tests of users and rooms, which run on one node, behind nginx as Compose has it, and on three nodes. */
const USERS_AND_ROOMS = ['rooms', 'room-notices', 'room-requests', 'rooms-order', 'users', 'watches', 'gaps'];
/** Contract tests of sessions that outlive a connection, which run on one node and on three. */
const RESUME = ['return', 'away', 'notices', 'overflow', 'undelivered', 'end', 'no-return', 'tokens'].map(
  (topic) => `resume-${topic}`,
);
/** Those in which a proxy has a part: it passes the offers on, and its connections are lost. */
const RESUME_BEHIND = ['asking', 'return', 'end', 'tokens'].map((topic) => `resume-${topic}`);
/** Further contract tests that run on three nodes. */
const ON_NODES = ['routing', 'departures', 'payload', 'envelope', 'system-messages'];
/** The proxies of `test/support/proxied-server.ts`. */
const FRONTS = ['nginx, unix', 'nginx, tcp', 'Apache', 'HAProxy', 'Caddy'];
/**
 * Contract tests that run behind every proxy: those of connections, sizes and fragments. A proxy answers the requests of `handshake-rejections` itself; the 200 ms of
 * `heartbeat` are less than a proxy waits for a core of a busy machine, so `test/edge/deployments.spec.ts` has longer ones.
 * Tests of handlers are left out, because a proxy has no part in them.
 */
const BEHIND_FRONTS = ['routing', 'payload', 'fragments', 'closing', 'welcome', 'early-messages'];
/** Contract tests of the contents of messages. */
const OF_CONTENTS = ['departures', 'envelope', 'multicast', 'sent-values', 'system-messages', ...USERS_AND_ROOMS];
/** Further contract tests behind one proxy. A proxy sees no contents, so the one of Compose is enough. */
const ALSO_BEHIND: Record<string, string[]> = { 'nginx, unix': [...OF_CONTENTS, ...RESUME_BEHIND] };
/** Contract tests that a proxy cannot pass. */
const NOT_BEHIND: Record<string, string[]> = {
  // Caddy before 2.8 loses what a client sends before the response to its handshake. RFC 6455, 4.1 forbids to send it.
  Caddy: ['early-messages'],
};

export default defineConfig({
  // The examples import the package by its name, as applications do.
  resolve: {
    alias: [
      { find: /^switchboard$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
      { find: /^switchboard\/testing$/, replacement: fileURLToPath(new URL('src/testing/start.ts', import.meta.url)) },
    ],
  },
  test: {
    globalSetup: ['scripts/build-if-stale.js'],
    // These limits are for a busy machine. A test that passes does not wait for them.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default'],
    // `npm test` runs the projects whose names do not begin with "all:". Their files share the modules of a worker
    // (`isolate: false`), because the import of Nest took more time than the tests. So a file restores what it changes.
    projects: [
      {
        // These tests have no wall-clock limits, so they may use every core.
        extends: true,
        test: {
          name: 'computed',
          include: ['test/unit/**/*.spec.ts'],
          exclude: NEEDING,
          isolate: false,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Limits of time in these tests do not count the wait for a core, so they may use every core.
        extends: true,
        test: {
          name: 'one node',
          include: ['test/**/*.spec.ts', 'examples/**/*.spec.ts'],
          exclude: ['test/unit/**', ...APART, ...NEEDING, 'examples/dist/**', '**/node_modules/**'],
          isolate: false,
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'all: computed',
          include: ['test/{property,simulation}/**/*.spec.ts'],
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'all: one node',
          include: ['test/{builds,fuzz,slow-links}/**/*.spec.ts', ...NEEDING.filter((path) => !isIn(path, LONG))],
          maxWorkers: '100%',
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Contract tests on three nodes with a real NATS server. Clients must see no difference to one node.
        extends: true,
        test: {
          name: 'all: many nodes',
          include: [...ON_NODES, ...USERS_AND_ROOMS, ...RESUME].map((name) => `test/contract/${name}.spec.ts`),
          env: { TEST_NODES: '3' },
          isolate: false,
          maxWorkers: '100%',
          sequence: { groupOrder: 2 },
        },
      },
      // Contract tests behind proxies. Clients must see no difference to the node itself.
      ...FRONTS.map((front) => ({
        extends: true as const,
        test: {
          name: `all: behind ${front}`,
          include: [...BEHIND_FRONTS, ...(ALSO_BEHIND[front] ?? [])]
            .filter((name) => !NOT_BEHIND[front]?.includes(name))
            .map((name) => `test/contract/${name}.spec.ts`),
          env: { TEST_FRONT: front },
          isolate: false,
          setupFiles: ['test/support/stop-fronts.ts'],
          maxWorkers: '100%',
          sequence: { groupOrder: 2 },
        },
      })),
      {
        // Attacks compare times and memory, so they run one after the other, behind all other tests.
        extends: true,
        test: {
          name: 'all: attacks',
          include: ['test/attack/**/*.spec.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Installs the packed file in fresh applications, which takes minutes and needs a package registry.
        extends: true,
        test: {
          name: 'all: package',
          include: ['test/package/**/*.spec.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
