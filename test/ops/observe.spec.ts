import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { needs } from '../support/needs.js';
import { startServer, type TestServer } from '../support/server.js';

needs('promtool');

const CONFIG = fileURLToPath(new URL('../../config', import.meta.url));
const ALERTS_TEST = fileURLToPath(new URL('./alerts.yml', import.meta.url));
const NAMES = /\bswitchboard_[a-z0-9_]+/g;

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

/** Returns a section of docs/operations.md. */
function section(title: string): string {
  const [, rest = ''] = read('../../docs/operations.md').split(`\n## ${title}\n`);
  return rest.split('\n## ', 1)[0]!;
}

describe('monitoring', () => {
  let server: TestServer;
  let metrics: string;
  beforeAll(async () => {
    server = await startServer();
    metrics = (await ask(`http://127.0.0.1:${server.port}/metrics`)).body;
  });
  afterAll(() => server.stop());

  it('has alert rules that promtool accepts', () => {
    const output = execFileSync('promtool', ['check', 'rules', join(CONFIG, 'prometheus/alerts.yml')], {
      encoding: 'utf8',
    });
    expect(output).toMatch(/SUCCESS: \d+ rules found/);
  });

  it('has alerts that fire for their cause and not under normal load', () => {
    expect(execFileSync('promtool', ['test', 'rules', ALERTS_TEST], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  it('gets metrics that promtool accepts', () => {
    expect(execFileSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' })).toBe('');
  });

  it('gets exactly the metrics that the documentation lists', () => {
    const rows = section('Metrics')
      .split('\n')
      .filter((line) => line.startsWith('| `switchboard_'));
    const listed = rows.flatMap((row) => row.split('|')[1]!.match(NAMES) ?? []);
    const served = [...metrics.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);
    expect(listed.toSorted()).toEqual(served.toSorted());
  });

  it.each([
    ['the alerts', read('../../config/prometheus/alerts.yml')],
    ['the dashboard', read('../../config/grafana/switchboard.json')],
    ['the section on troubleshooting', section('Troubleshooting')],
  ])('uses only metrics that exist, in %s', (_, text) => {
    const names = text.match(NAMES) ?? [];
    const unknown = names.filter((name) => !metrics.includes(`# TYPE ${name.replace(/_(bucket|count|sum)$/, '')} `));
    expect(names.length).toBeGreaterThan(5);
    expect(unknown).toEqual([]);
  });
});
