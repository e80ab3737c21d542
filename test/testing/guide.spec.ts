import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ['dice.gateway.ts', 'dice.spec.ts', 'application.spec.ts', 'dice.test.ts'];
const RUN_LIMIT_MS = 60_000;

const guide = await readFile(join(ROOT, 'docs/testing.md'), 'utf8');
const folder = await mkdtemp(join(ROOT, 'test/guide-'));
for (const name of FILES) await writeFile(join(folder, name), block(guide, name));

afterAll(() => rm(folder, { recursive: true }));

describe('the guide to testing', async () => {
  // Its tests join this file.
  for (const name of ['dice.spec.ts', 'application.spec.ts']) await import(/* @vite-ignore */ join(folder, name));

  it('has a test for node:test that needs no other runner', { timeout: RUN_LIMIT_MS }, async () => {
    for (const name of ['dice.gateway.ts', 'dice.test.ts']) await compile(name);
    const { NODE_TEST_CONTEXT: _, VITEST: __, ...env } = process.env;
    const child = spawn(process.execPath, ['--test', '--test-reporter=tap', join(folder, 'dice.test.js')], { env });
    expect(await text(child.stdout)).toContain('# pass 1\n# fail 0\n');
  });
});

/** Compiles a file of the guide as Nest does, beside its source. */
async function compile(name: string): Promise<void> {
  const source = await readFile(join(folder, name), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  await writeFile(join(folder, name.replace('.ts', '.js')), outputText);
}

/** Returns the code block that begins with a comment of this name. */
function block(document: string, name: string): string {
  const [, code] = document.split(`<!-- ${name} -->\n\n\`\`\`ts\n`);
  if (code === undefined) throw new Error(`the guide has no ${name}`);
  return code.split('\n```')[0]!;
}
