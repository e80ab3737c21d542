import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { breaches, type Tree } from './support/architecture.js';
import { commentBreaches, proseBreaches } from './support/prose.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** The folders whose texts must use the vocabulary, with the files that are checked there. */
const CHECKED: readonly (readonly [string, RegExp])[] = [
  ['src/', /\.(ts|js|html|css)$/],
  ['packages/', /\.(ts|js|md)$/],
  ['docs/', /\.md$/],
  ['test/', /\.(ts|js)$/],
  ['bench/', /\.(ts|js|c|h)$/],
  ['scripts/', /\.js$/],
  ['nginx/', /\.(sh|conf|template)$/],
];
/** The banned words themselves, and the samples of this file. */
const UNCHECKED = new Set(['test/support/prose.ts', 'test/architecture.spec.ts']);

describe('the architecture', () => {
  it('keeps the ranks, sizes and names, one reader of the environment, and runs no text as code', () => {
    const tree = sources();
    expect(tree.size).toBeGreaterThan(40);
    expect(breaches(tree)).toEqual([]);
  });

  it.each([
    [
      'two files that import each other',
      { 'ops/a.ts': `import './b.js';`, 'ops/b.ts': `import type { A } from './a.js';` },
    ],
    [
      'three files that import each other',
      { 'ops/a.ts': `import './b.js';`, 'ops/b.ts': `import './c.js';`, 'ops/c.ts': `import './a.js';` },
    ],
    ['a sub-folder that imports a higher one', { 'cluster/wire/a.ts': `import { b } from '../nats/b.js';` }],
    [
      'sub-folders of equal rank that import each other',
      { 'gateway/auth/a.ts': `import type { b } from '../tls/b.js';` },
    ],
    ['an unknown sub-folder', { 'gateway/things/a.ts': '' }],
    ['a lower room that knows a higher one', { 'sessions/a.ts': `import { b } from '../gateway/b.js';` }],
    ['strangers of equal rank', { 'gateway/a.ts': `import type { b } from '../ops/b.js';` }],
    ['an export from a higher room', { 'sessions/a.ts': `export * from '../messaging/b.js';` }],
    ['a higher room that is loaded later', { 'sessions/a.ts': `await import('../gateway/b.js');` }],
    ['a type of a higher room', { 'sessions/a.ts': `type B = import('../gateway/b.js').B;` }],
    ['an import from the handlers', { 'ops/a.ts': `import { b } from '../handlers/b.js';` }],
    [
      'handlers that are loaded with the package',
      {
        'standalone/standalone.module.ts': `import { HandlersModule } from '../handlers/handlers.module.js';`,
      },
    ],
    ['an import from the room for tests', { 'index.ts': `export * from './testing/start.js';` }],
    ['a room that imports the root', { 'ops/a.ts': `import { createApp } from '../main.js';` }],
    ['a framework in the protocol', { 'protocol/a.ts': `import { Injectable } from '@nestjs/common';` }],
    ['sockets in the protocol', { 'protocol/a.ts': `import { WebSocket } from 'ws';` }],
    ['a type of the protocol in the client', { 'client/a.ts': `import type { b } from '../protocol/b.js';` }],
    ['a package in the client', { 'client/a.ts': `import type { b } from 'b';` }],
    ['an unknown room', { 'things/a.ts': '' }],
    ['a long file', { 'ops/a.ts': '\n'.repeat(250) + 'export const a = 1;' }],
    ['a name for nothing', { 'ops/utils.ts': '' }],
    ['a barrel', { 'ops/index.ts': '' }],
    ['any', { 'ops/a.ts': 'export const a = (b: any) => b;' }],
    ['a default class', { 'ops/a.ts': 'export default class A {}' }],
    ['a default function', { 'ops/a.ts': 'export default function a() {}' }],
    ['a default value', { 'ops/a.ts': 'export default 1;' }],
    ['a default by name', { 'ops/a.ts': 'const a = 1;\nexport { a as default };' }],
    ['a text that is run as code', { 'ops/a.ts': 'export const a = (text: string): unknown => eval(text);' }],
    ['a function made of a text', { 'ops/a.ts': `export const a = new Function('return 1');` }],
    ['a room of helpers', { 'ops/helpers/a.ts': '' }],
    ['a second reader of the environment', { 'ops/a.ts': 'process.env.A', 'ops/b.ts': 'process.env.B' }],
  ])('does not pass %s', (_, files) => {
    expect(breaches(new Map(Object.entries(files)))).toHaveLength(1);
  });

  it('passes what the rules allow', () => {
    const files = {
      'main.ts': `import { createApp } from './standalone/app.js';\nswitch (1) {\n  default:\n}`,
      'standalone/standalone.module.ts': `const { HandlersModule } = await import('../handlers/handlers.module.js');`,
      'handlers/a.ts': `import { B } from '../gateway/b.js';\nimport { C } from '../protocol/index.js';`,
      'gateway/frames/f.ts': `import { D } from '../dispatch/d.js';\nimport { C } from '../c.js';`,
      'gateway/b.ts': `import { F } from './frames/f.js';\nimport { C } from './c.js';\nimport { D } from '../sessions/d.js';\nprocess.env.A;`,
      'client/a.ts': `import type { B } from './b.js';\nexport type { C } from './c.js';`,
      'protocol/index.ts': `export * from './a.js';\n${'\n'.repeat(248)}export const a: unknown = 1;`,
    };
    expect(breaches(new Map(Object.entries(files)))).toEqual([]);
  });
});

describe('the prose', () => {
  it('uses the words of the vocabulary in code, tests, scripts and documents', () => {
    const files = CHECKED.flatMap(([folder, names]) => texts(folder, names));
    expect(files.length).toBeGreaterThan(300);
    expect(files.flatMap(([path, text]) => proseBreaches(path, text))).toEqual([]);
    expect(files.flatMap(([path, text]) => commentBreaches(path, text))).toEqual([]);
  });

  it.each([
    '// The receiver is told why.',
    'const heardSinceMs = 0;',
    '/** Closes the connection, lest the peer waits. */',
    'A node that is elsewhere.',
    'The client may come again.',
    'What has no dot is none.',
    'Two looks later the node is dead.',
    'const NOT_TOLD = 1;',
  ])('does not pass %s', (text) => {
    expect(proseBreaches('a.ts', text)).toHaveLength(1);
  });

  it.each(['/** Who may connect. */', '// What waits.', '/**\n * Those that wait.\n */', '<!-- Whoever reads -->'])(
    'does not pass a comment that begins with a pronoun: %j',
    (text) => {
      expect(commentBreaches('a.ts', text)).toHaveLength(1);
    },
  );

  it('passes plain sentences', () => {
    const text = '/** Closes sessions whose outbox is full. */\n// The registry looks up the session by its id.';
    expect([...proseBreaches('a.ts', text), ...commentBreaches('a.ts', text)]).toEqual([]);
  });
});

/** Returns path and text of the files of a folder, without packages and build results. */
function texts(folder: string, names: RegExp): [string, string][] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => folder + path.replaceAll('\\', '/'))
    .filter((path) => names.test(path) && !/\/(node_modules|\.build|dist)\//.test(path) && !UNCHECKED.has(path));
  return files.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]);
}

/** Returns the sources of the server, and those of the client as a room of its own. */
function sources(): Tree {
  const files = [...texts('src/', /\.ts$/), ...texts('packages/client/src/', /\.ts$/)];
  return new Map(files.map(([path, text]) => [path.replace(/^src\/|^packages\/(client\/)src\//, '$1'), text]));
}
