import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const FUZZER = fileURLToPath(new URL('fuzz.js', import.meta.url));
const CORPUS = fileURLToPath(new URL('corpus', import.meta.url));
const SECONDS = 8;
const MAX_FILES = 200;
const MAX_BYTES = 256 * 1024;

describe('the fuzzer', () => {
  it.each(['scanner', 'frames', 'node-codec', 'handshake'])(
    'finds no input that breaks a rule of %s',
    { timeout: 120_000 },
    async (target) => {
      const seed = String(randomInt(2 ** 31));
      const words = ['--no-deprecation', FUZZER, '--target', target, '--seconds', String(SECONDS), '--seed', seed];
      const { stdout } = await promisify(execFile)(process.execPath, words);
      console.log(stdout.trim());
      expect(stdout).toMatch(/\d{3,} inputs, /);
    },
  );

  it('has a small corpus', () => {
    const files = readdirSync(CORPUS, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(`${parentPath}/${name}`).size, 0);
    expect(files.length).toBeGreaterThan(50);
    expect(files.length).toBeLessThan(MAX_FILES);
    expect(bytes).toBeLessThan(MAX_BYTES);
  });
});
