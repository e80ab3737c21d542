import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Clone, outcome } from '../support/clone.js';

const FETCHED = {
  'of-git': 'git+https://example.org/of-git.git',
  'of-ssh': 'git@example.org:of-ssh.git',
  'of-github': 'example/of-github',
  'of-folder': '../of-folder',
};

describe('npm run release:check', () => {
  let clone: Clone;
  afterEach(() => {
    clone.killAll();
    clone.remove();
  });

  /** Runs it in a clone that has nothing built, because it builds nothing with this manifest. */
  async function check(added: Readonly<Record<string, unknown>>, file = 'package.json'): Promise<string[]> {
    clone = new Clone();
    for (const each of ['package.json', 'packages/client/package.json']) {
      const manifest = JSON.parse(readFileSync(clone.path(each), 'utf8')) as object;
      const changed = { ...manifest, scripts: {}, ...(each === file ? added : {}) };
      writeFileSync(clone.path(each), JSON.stringify(changed));
    }
    const { code, err } = await outcome(clone.run('node', [`${clone.folder}/scripts/release-check.js`, clone.folder]));
    expect(code).toBe(1);
    return err.split('\n');
  }

  it('names each dependency that is not of a registry', async () => {
    const alias = { 'of-alias': 'npm:@example/of-alias@^1.0.0' };
    const lines = await check({ optionalDependencies: { ...FETCHED, ...alias } });
    expect(lines.filter((line) => line.includes(' is the dependency '))).toEqual(
      Object.entries(FETCHED).map(
        ([name, version]) => `release: switchboard: ${name} is the dependency ${version}; name a range of versions`,
      ),
    );
    expect(lines).toContain(
      'release: switchboard: package.json names ./dist/index.js, and the packed file does not hold it',
    );
  }, 60_000);

  it('checks the package of the client, too, and that a claim of provenance has a repository', async () => {
    const lines = await check({ publishConfig: { provenance: true } }, 'packages/client/package.json');
    expect(lines.filter((line) => line.includes('provenance'))).toEqual([
      'release: switchboard-client: "publishConfig" claims provenance, which needs "repository"',
    ]);
  }, 60_000);
});
