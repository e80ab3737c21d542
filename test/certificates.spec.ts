import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from './support/needs.js';

needs('openssl');

const SCRIPT = fileURLToPath(new URL('../nginx/make-certs.sh', import.meta.url));
const DAY_MS = 86_400_000;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

describe('make-certs.sh', () => {
  let out: string;
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'switchboard-certs-'));
  });
  afterEach(() => rmSync(out, { recursive: true }));

  const make = (...args: string[]) => spawnSync('sh', [SCRIPT, '--out', out, ...args], { encoding: 'utf8' });
  const read = (name: string): string => readFileSync(join(out, name), 'utf8');
  const certificate = (name: string): X509Certificate => new X509Certificate(read(`${name}.crt`));
  const all = (): Record<string, string> => Object.fromEntries(readdirSync(out).map((name) => [name, read(name)]));

  it('makes an authority and a certificate for this machine', () => {
    expect(make()).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(out).toSorted()).toEqual(['ca.crt', 'ca.key', 'server.crt', 'server.key']);
    const [ca, server] = [certificate('ca'), certificate('server')];
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.verify(ca.publicKey)).toBe(true);
    expect(server.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    expect(server.keyUsage).toEqual([SERVER_AUTH]);
    expect(server.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  });

  it('makes one certificate for several domains, a wildcard and addresses', () => {
    const hosts = ['example.com', '*.example.com', '10.0.0.5', '2001:db8::1'];
    expect(make(...hosts.flatMap((host) => ['--host', host])).status).toBe(0);
    const server = certificate('server');
    for (const name of ['example.com', 'any.example.com']) expect(server.checkHost(name)).toBeDefined();
    for (const address of ['10.0.0.5', '2001:db8::1']) expect(server.checkIP(address)).toBeDefined();
    expect(server.checkHost('two.deep.example.com')).toBeUndefined();
    expect(server.checkHost('localhost')).toBeUndefined();
  });

  it('makes a certificate for a client', () => {
    expect(make('--client', 'ann').status).toBe(0);
    expect(certificate('ann')).toMatchObject({ subject: 'CN=ann', keyUsage: [CLIENT_AUTH], ca: false });
    expect(certificate('ann').verify(certificate('ca').publicKey)).toBe(true);
  });

  it('makes private keys readable by the owner alone', () => {
    make('--client', 'ann');
    for (const name of ['ca.key', 'server.key', 'ann.key']) expect(statSync(join(out, name)).mode & 0o777).toBe(0o600);
  });

  it('makes certificates as long-lived as browsers accept, or for --days days', () => {
    make();
    expect(days(certificate('server'))).toBe(397);
    expect(days(certificate('ca'))).toBeGreaterThan(1000);
    make('--client', 'ann', '--days', '30');
    expect(days(certificate('ann'))).toBe(30);
  });

  it('keeps existing files', () => {
    make('--client', 'ann');
    const before = all();
    expect(make('--client', 'ann')).toMatchObject({ status: 0 });
    expect(all()).toEqual(before);
  });

  it('rejects an existing certificate for another host', () => {
    make();
    const before = all();
    const { status, stderr } = make('--host', 'example.com');
    expect(status).toBe(73);
    expect(stderr).toContain('not for example.com');
    expect(all()).toEqual(before);
  });

  it('replaces the certificate with --force, and keeps the authority', () => {
    make();
    const before = all();
    expect(make('--host', 'example.com', '--force').status).toBe(0);
    const after = all();
    expect(after['server.crt']).not.toBe(before['server.crt']);
    expect(after['server.key']).not.toBe(before['server.key']);
    expect(after['ca.crt']).toBe(before['ca.crt']);
    expect(certificate('server').verify(certificate('ca').publicKey)).toBe(true);
  });

  it('does not sign with a key that does not match the authority', () => {
    make('--client', 'ann');
    rmSync(join(out, 'ca.key'));
    expect(make('--client', 'bob')).toMatchObject({ status: 73 });
    spawnSync('cp', [join(out, 'ann.key'), join(out, 'ca.key')]);
    expect(make('--client', 'bob')).toMatchObject({ status: 65 });
    expect(readdirSync(out)).not.toContain('bob.crt');
  });

  it('prints how to trust the authority', () => {
    const { stdout } = make();
    for (const name of ['Chromium', 'Firefox', 'system', 'Postman']) expect(stdout).toContain(name);
  });

  it.each([
    ['--host'],
    ['--host', ''],
    ['--host', 'a b'],
    ['--host', 'https://example.com'],
    ['--host', 'example.com:443'],
    ['--host', '256.1.1.1'],
    ['--host', '1.2.3'],
    ['--host', '::1::2'],
    ['--host', 'a*.example.com'],
    ['--host', '*.com'],
    ['--host', 'münchen.example'],
    ['--host', 'a\nsubjectAltName=DNS:b'],
    ['--client', '../ann'],
    ['--client', 'server'],
    ['--days', '0'],
    ['--days', '9999'],
    ['--days', 'ten'],
    ['--nonsense'],
  ])('rejects %s %s and writes nothing', (...args) => {
    const { status, stderr } = make(...args);
    expect(status).toBe(64);
    expect(stderr).toContain(args[0]);
    expect(readdirSync(out)).toEqual([]);
  });
});

function days({ validFrom, validTo }: X509Certificate): number {
  return (Date.parse(validTo) - Date.parse(validFrom)) / DAY_MS;
}
