import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

/** Runs Node in the root with this search path, as a developer does outside of a test. */
function run(args: string[], path = process.env['PATH']): { status: number | null; out: string; err: string } {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: { ...env, PATH: path, NO_COLOR: '1' },
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}

/** Lists the spec files of the projects of vitest.config.ts. */
function listed(...args: string[]): { file: string; project: string }[] {
  const { out } = run([VITEST, 'list', '--filesOnly', '--json', ...args]);
  const rows = JSON.parse(out) as { file: string; projectName: string }[];
  return rows.map(({ file, projectName }) => ({ file: relative(ROOT, file), project: projectName }));
}

describe('the suites', { timeout: 60_000 }, () => {
  it('have every spec file once, without the runs on three nodes and behind proxies', () => {
    const files = ['test', 'examples'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    );
    const specs = files.filter((path) => path.endsWith('.spec.ts') && !/dist|^test\/(chaos|compose)\//.test(path));
    const once = listed().filter(({ project }) => !/^all: (many nodes|behind)/.test(project));
    expect(once.map(({ file }) => file).toSorted()).toEqual(specs.toSorted());
  });

  it('leave out of npm test the files that need a component, by themselves or by an import', () => {
    const files = listed('--project', '!all:*').map(({ file }) => file);
    expect(files).toContain('test/contract/routing.spec.ts');
    expect(files).toContain('examples/group-chat/group-chat.spec.ts');
    const needing = [
      'certificates',
      'ops/observe',
      'edge/tls',
      'console/access',
      'cluster/away',
      'ops/closing-order',
      'client/recipes-browser',
    ];
    for (const name of needing) expect(files).not.toContain(`test/${name}.spec.ts`);
    expect(
      files.filter((file) => /^test\/(attack|builds|fuzz|package|property|simulation|slow-links)\//.test(file)),
    ).toEqual([]);
  });

  it('name the missing component of a file that is run by its name', () => {
    const { status, err } = run(['scripts/test.js', 'test/ops/observe.spec.ts'], '/nowhere');
    expect(status).toBe(1);
    expect(err).toContain('promtool is missing; install it: sudo apt-get install prometheus (Debian), or https://');
  });

  it('know the components by their names', () => {
    expect(run(['scripts/components.js', 'openssh'])).toMatchObject({
      status: 1,
      err: 'components: no component has the name "openssh"; see scripts/components.js\n',
    });
  });
});
