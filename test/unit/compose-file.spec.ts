import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface ComposeFile {
  readonly name?: string;
  readonly services: Readonly<Record<string, Service>>;
}

interface Service {
  readonly profiles?: readonly string[];
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
