import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FRAMEWORKS, RecipePage } from '../support/recipe-page.js';

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const run = promisify(execFile);

describe.each(FRAMEWORKS)('the recipe for %s', (framework) => {
  let page: RecipePage;
  beforeAll(async () => {
    page = await RecipePage.create(framework);
  });
  afterAll(() => page.remove());

  it('has no error of types', async () => {
    const flags = '--noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler';
    const args = [TSC, ...flags.split(' '), '--jsx', 'react-jsx', '--lib', 'es2023,dom', join('src', 'main.tsx')];
    const { stdout } = await run(process.execPath, args, { cwd: page.folder }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  });

  it('is built by Vite', async () => {
    expect(await page.build()).toContain('switchboard.v1');
  });
});
