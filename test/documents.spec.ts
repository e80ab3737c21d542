import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERRORS, HANDSHAKE_REJECTIONS, SYSTEM_REQUESTS } from '../src/protocol/index.js';
import { SETTINGS } from '../src/settings/setting.js';
import { Settings } from '../src/settings/settings.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROTOCOL = read('docs/protocol.md');

describe('the documents', () => {
  it('list every error of the code, and no other', () => {
    const documented = rows(section(PROTOCOL, 'Errors')).map(([code]) => unquote(code));
    expect(documented.toSorted()).toEqual(Object.keys(ERRORS).toSorted());
  });

  it('list every close code with its reason', () => {
    const documented = rows(section(PROTOCOL, 'Close codes')).map(([code, reason]) => [Number(code), reasonOf(reason)]);
    expect(documented).toEqual(Object.entries(CLOSE_CODES).map(([code, { reason }]) => [Number(code), reason]));
  });

  it('list every handshake rejection with its status', () => {
    const documented = rows(section(PROTOCOL, 'Connecting')).flatMap(([status, codes]) =>
      codes!.split(',').map((code) => `${status} ${unquote(code)}`),
    );
    const coded = Object.entries(HANDSHAKE_REJECTIONS).map(
      ([code, row]) => `${'statuses' in row ? row.statuses.join(', ') : row.status} ${code}`,
    );
    expect(documented.toSorted()).toEqual(coded.toSorted());
  });

  it('list every request with its answers', () => {
    const documented = rows(section(PROTOCOL, 'Requests')).map(([request, answer]) => {
      const { type, receiver } = JSON.parse(unquote(request)) as { type: string; receiver?: string };
      return [type, receiver === undefined ? 'none' : receiver.startsWith('#') ? 'room' : 'user', unquote(answer)];
    });
    for (const [type, { receiver, answers }] of Object.entries(SYSTEM_REQUESTS)) {
      const found = documented.filter(([each]) => each === type);
      expect([type, found.map(([, kind]) => kind!).toSorted()]).toEqual([type, receiver.split(/, | or /).toSorted()]);
      const documentedAnswers = found
        .map(([, , answer]) => answer!.split(',')[0]!)
        .filter((answer) => answer !== 'none');
      expect(new Set(documentedAnswers)).toEqual(new Set(answers));
    }
    expect(new Set(documented.map(([type]) => type))).toEqual(new Set(Object.keys(SYSTEM_REQUESTS)));
  });

  it('name the defaults of settings in the protocol', () => {
    const defaults = parseEnv(read('config/default.env'));
    const named = [...PROTOCOL.matchAll(/`([A-Z]+(?:_[A-Z]+)*)` \(([\d,]+)\)/g)];
    expect(named.length).toBeGreaterThan(4);
    for (const [, name, value] of named) expect([name, value!.replaceAll(',', '')]).toEqual([name, defaults[name!]]);
  });

  it('list every setting with its default and meaning', () => {
    const defaults = parseEnv(read('config/default.env'));
    const documented = rows(read('docs/settings.md')).map(([name, value, meaning]) => [
      unquote(name),
      unquote(value),
      meaning,
    ]);
    expect(documented).toEqual(SETTINGS.map(({ variable, meaning }) => [variable, defaults[variable] ?? '', meaning]));
    expect(Object.keys(new Settings())).toEqual(SETTINGS.map(({ property }) => property));
    expect(Object.keys(defaults).toSorted()).toEqual(SETTINGS.map(({ variable }) => variable).toSorted());
  });

  it('name in the README only settings that exist, with their defaults', () => {
    const defaults = parseEnv(read('config/default.env'));
    for (const [names, values] of rows(section(read('README.md'), 'Configuration'))) {
      const variables = names!.split(',').map(unquote);
      expect(values!.split(',').map(unquote)).toEqual(variables.map((variable) => defaults[variable]));
    }
  });

  it('pass every setting on to the container', () => {
    const compose = read('docker-compose.yml');
    // Set by the compose file, because the container serves plain HTTP to nginx.
    const fixed = ['HOST', 'PORT', 'TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CLIENT_CA_FILE', 'TLS_RELOAD_MS'];
    for (const { variable } of SETTINGS.filter((row) => !fixed.includes(row.variable)))
      expect(compose).toMatch(new RegExp(`^\\s+${variable}:`, 'm'));
  });

  it('prove each statement about security by existing tests and settings', () => {
    const items = read('docs/security.md')
      .split(/\n(?=- \*\*|#)/)
      .filter((text) => text.startsWith('- **'))
      .map((text) => text.replaceAll(/\s+/g, ' '));
    expect(items.length).toBeGreaterThan(30);
    for (const item of items) expect(item).toMatch(/Proof: `test\/|Out of scope: /);

    const proofs = items.flatMap((item) => [...item.matchAll(/`(test\/[^`]+)`((?:,? “[^”]+”)+)/g)]);
    expect(proofs).toHaveLength(items.join('').split('`test/').length - 1);
    for (const [, file, titles] of proofs)
      for (const [, title] of titles!.matchAll(/“([^”]+)”/g))
        expect([file, title, titlesOf(file!).some((known) => known.includes(title!))]).toEqual([file, title, true]);

    const known = [
      ...SETTINGS.map(({ variable }) => variable),
      ...rows(section(read('docs/settings.md'), 'The proxy')).map(([name]) => unquote(name)),
    ];
    const named = items.flatMap((item) => [...item.matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map(([, name]) => name!));
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('list only lines of the log that the code writes', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
    const code = files.filter((path) => path.endsWith('.ts')).map((path) => read(join('src', path)));
    const texts = rows(section(read('docs/operations.md'), 'Logs')).flatMap(([messages]) =>
      [...messages!.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text!.split('…')).map((part) => part.trim()),
    );
    const known = texts.filter((text) => !/^(|:|and [\d,]+ more in 10 s)$/.test(text));
    expect(known.length).toBeGreaterThan(30);
    expect(known.filter((text) => !code.some((source) => source.includes(text)))).toEqual([]);
  });

  it('name a test for each feature of Nest', () => {
    const features = rows(section(read('docs/extending.md'), "What Nest's features do here"));
    expect(features.length).toBeGreaterThan(40);
    for (const [feature, , proof] of features) {
      const [, file, title] = /^`(test\/[^`]+)` “([^”]+)”$/.exec(proof!) ?? [];
      expect([feature, file, titlesOf(file!).some((known) => known.includes(title!))]).toEqual([feature, file, true]);
    }
  });

  it('have the same limits of an address in nginx and the application', () => {
    const defaults = parseEnv(read('config/default.env'));
    for (const name of ['HANDSHAKES_PER_SECOND', 'REQUESTS_PER_SECOND', 'MAX_CONNECTIONS_PER_ADDRESS'])
      expect(read('nginx/37-features.sh')).toContain(`\${${name}:-${defaults[name]}}`);
  });

  it('have one table of tested clients, which the README links to', () => {
    const readme = read('README.md');
    const table = rows(section(read('docs/clients.md'), 'Tested clients'));
    expect(table.length).toBeGreaterThan(8);
    for (const row of table) expect(row).not.toContain('');
    expect(readme).toContain('](docs/clients.md)');
    for (const [client] of table) expect(readme).not.toContain(`| ${client} `);
  });

  it('name the packed files that npm pack writes, and install no package that is not published', () => {
    const packages = ['package.json', 'packages/client/package.json'].map(
      (file) => JSON.parse(read(file)) as { name: string; version: string },
    );
    const packed = packages.map(({ name, version }) => `${name}-${version}.tgz`);
    const texts = documents().map((file) => read(file));
    const named = texts.flatMap((text) => text.match(/\bswitchboard[\w-]*-\d[\d.]*\.tgz/g) ?? []);
    expect([...new Set(named)].toSorted()).toEqual(packed.toSorted());
    for (const { name } of packages)
      expect(texts.filter((text) => new RegExp(`npm install ([\\w-]+ )*${name}( |\`|$)`, 'm').test(text))).toEqual([]);
  });

  it('link only to existing files', () => {
    const links = documents().flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => ({ file, link: link! })),
    );
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter(({ file, link }) => !existsSync(join(ROOT, dirname(file), link)))).toEqual([]);
  });
});

/** Lists the documents for readers, by their paths from the root. */
function documents(): string[] {
  const folders = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  return [...readdirSync(ROOT), ...folders]
    .filter((name) => name.endsWith('.md'))
    .concat('bench/README.md', 'packages/client/README.md');
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Lists the titles of a spec file: of its tests, and of the rows of their tables. */
function titlesOf(path: string): string[] {
  const text = read(path);
  return [
    ...text.matchAll(/(?:\b(?:it|describe)(?:\.each)?\([^'`]*|\](?: as const)?\)\(\s*|^\s*\[\s*)(['`])(.*?)\1/gms),
  ].map(([, , title]) => title!);
}

/** Returns the text under a `## heading`. */
function section(text: string, heading: string): string {
  const [, rest] = text.split(`\n## ${heading}\n`);
  if (rest === undefined) throw new Error(`no section ${heading}`);
  return rest.split('\n## ')[0]!;
}

/** Returns the rows of the first table in a text, without its head. */
function rows(text: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^\|[\s:|-]+\|$/.test(line)) + 1;
  const end = lines.findIndex((line, index) => index >= start && !line.startsWith('|'));
  return lines.slice(start, end === -1 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function unquote(cell: string | undefined): string {
  return (cell ?? '').trim().replaceAll('`', '');
}

/** Returns the reason in a cell; cells without one describe the cause. */
function reasonOf(cell: string | undefined): string {
  return /^`([a-z_]+)`/.exec(cell ?? '')?.[1] ?? '';
}
