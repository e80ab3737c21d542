import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { breaches, type Tree } from './support/architecture.js';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

describe('the architecture', () => {
  it('is what the tree says: ranks, sizes, names, one reader of the environment', () => {
    const tree = sources();
    expect(tree.size).toBeGreaterThan(40);
    expect(breaches(tree)).toEqual([]);
  });

  it.each([
    ['a lower room that knows a higher one', { 'sessions/a.ts': `import { b } from '../gateway/b.js';` }],
    ['strangers of equal rank', { 'gateway/a.ts': `import type { b } from '../ops/b.js';` }],
    ['an export from a higher room', { 'sessions/a.ts': `export * from '../messaging/b.js';` }],
    ['whoever imports from the handlers', { 'ops/a.ts': `import { b } from '../handlers/b.js';` }],
    ['a room that imports the root', { 'ops/a.ts': `import { createApp } from '../app.js';` }],
    ['a framework in the protocol', { 'protocol/a.ts': `import { Injectable } from '@nestjs/common';` }],
    ['sockets in the protocol', { 'protocol/a.ts': `import { WebSocket } from 'ws';` }],
    ['an unknown room', { 'things/a.ts': '' }],
    ['a long file', { 'ops/a.ts': '\n'.repeat(250) + 'export const a = 1;' }],
    ['a name for nothing', { 'ops/utils.ts': '' }],
    ['a barrel', { 'ops/index.ts': '' }],
    ['any', { 'ops/a.ts': 'export const a = (b: any) => b;' }],
    ['a default export', { 'ops/a.ts': 'export default class A {}' }],
    ['a second reader of the environment', { 'ops/a.ts': 'process.env.A', 'ops/b.ts': 'process.env.B' }],
  ])('does not pass %s', (_, files) => {
    expect(breaches(new Map(Object.entries(files)))).toHaveLength(1);
  });
});

function sources(): Tree {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return new Map(files.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(SRC, path), 'utf8')]));
}
