import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { droppedResults } from './support/dropped-results.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TIMEOUT_MS = 120_000;
const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path));
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);

describe('the result of a function that may refuse', () => {
  it('is dropped nowhere in the sources', { timeout: TIMEOUT_MS }, () => {
    const folder = join(ROOT, 'src/');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(40);
    const paths = files.map((file) => join(folder, file));
    expect(droppedResults(folder, paths, options)).toEqual([]);
  });

  it('is found where a statement drops it', { timeout: TIMEOUT_MS }, () => {
    const folder = `${mkdtempSync(join(tmpdir(), 'switchboard-verdicts-'))}/`;
    const lines = [
      'declare function accepts(): boolean;',
      "declare function sends(): 'sent' | 'refused' | undefined;",
      'declare function counts(): number;',
      'accepts();',
      'sends();',
      'void sends();',
      'counts();',
      'new Set<number>().delete(1);',
      'if (accepts()) counts();',
      'if (counts() > 0) accepts();',
      'counts() > 0 && accepts();',
      'counts() > 0 ? counts() : (accepts(), counts());',
      'async function waits(): Promise<boolean> { return accepts(); }',
      'async function main(): Promise<void> { await waits(); }',
      'declare function each(callback: () => void): void;',
      'each(() => accepts());',
      'each(() => void accepts());',
      'declare const sink: { takes?(): boolean };',
      'sink.takes?.();',
    ];
    writeFileSync(join(folder, 'a.ts'), lines.join('\n'));
    const found = droppedResults(folder, [join(folder, 'a.ts')], options);
    rmSync(folder, { recursive: true });
    expect(found).toEqual([
      'a.ts:4 drops the result of accepts',
      'a.ts:5 drops the result of sends',
      'a.ts:10 drops the result of accepts',
      'a.ts:11 drops the result of accepts',
      'a.ts:12 drops the result of accepts',
      'a.ts:14 drops the result of waits',
      'a.ts:16 drops the result of accepts',
      'a.ts:19 drops the result of sink.takes',
    ]);
  });
});
