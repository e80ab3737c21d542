import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface ComposeFile {
  readonly name?: string;
  readonly services: Readonly<Record<string, Service>>;
}

interface Service {
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Reads a file of the repository. Compose merges anchors (`<<`), which the YAML of today does not. */
function read(path: string): ComposeFile {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  return parse(text, { merge: true }) as ComposeFile;
}

const MAIN = read('docker-compose.yml');
const FILES = {
  'docker-compose.yml': MAIN,
  'config/docker-compose.certbot.yml': read('config/docker-compose.certbot.yml'),
};

it('keeps sessions on a volume, whose folder the image gives to the user of the process', () => {
  const { environment, volumes } = MAIN.services['app']!;
  const folder = /^\$\{RESUME_STATE_DIR-(.+)\}$/.exec(environment?.['RESUME_STATE_DIR'] ?? '')?.[1];
  expect(volumes).toContain(`state:${folder}`);
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  expect(dockerfile).toContain(`mkdir -m 0700 ${folder} && chown node:node ${folder}\n`);
});

/** Versions that read less are in docs/operations.md. */
describe.each(Object.entries(FILES))('%s', (_, { services }) => {
  const all = { ...services, ...MAIN.services };
  const dependencies = Object.values(services).flatMap(({ depends_on: names = {} }) => Object.entries(names));

  it('waits for no service of a profile, which podman-compose does not know where the profile is off', () => {
    expect(dependencies.length).toBeGreaterThan(0);
    for (const [name] of dependencies) expect([name, all[name]?.profiles]).toEqual([name, undefined]);
  });

  it('waits by a condition alone, because Docker Compose before 2.20 refuses more', () => {
    for (const [name, how] of dependencies) expect([name, Object.keys(how)]).toEqual([name, ['condition']]);
  });
});
