import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/needs.js';

needs('openssl', 'certutil');

const SCRIPT = fileURLToPath(new URL('../../nginx/make-certs.sh', import.meta.url));
const FILES = ['ca.crt', 'ca.key', 'server.crt', 'server.key'];
const WRONG_HOSTS = [
  '1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:8:: 1:2:3:4:5:6::7:8 ::12345 ::g ::: : 1.2.3.4:: ::1.2.3.256 fe80::1%eth0 [::1]',
  '010.0.0.1 1.2.3.4.5 0x7f.1 * *.*.example.com www.*.example.com example.com. .example.com a..b -a.example',
  'a_b.example $(id) a;b a,DNS:b email:a@b.example --force',
].flatMap((line) => line.split(' '));

describe('make-certs.sh under odd conditions', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchboard-certs-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the script in the folder; its files go to `certs` there, as by default. */
  const make = (...words: string[]) => run('/bin/sh', [SCRIPT, ...words]);
  const run = (program: string, words: string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(program, words, { cwd: folder, env: { ...process.env, ...env }, encoding: 'utf8' });
  const openssl = (...words: string[]) => run('openssl', words);
  const path = (name: string): string => join(folder, 'certs', name);
  const certificate = (name: string): X509Certificate => new X509Certificate(readFileSync(path(name)));
  const all = (): string[] => readdirSync(join(folder, 'certs')).map((name) => readFileSync(path(name), 'utf8'));

  const verify = (purpose: string, name: string) =>
    openssl('verify', '-x509_strict', '-purpose', purpose, '-CAfile', path('ca.crt'), path(name)).status;
  /** Makes a certificate for the server's key by other means. */
  const reissue = (...words: string[]): void => {
    openssl('req', '-new', '-key', path('server.key'), '-subj', '/CN=localhost', '-out', 'request');
    openssl('x509', '-req', '-in', 'request', '-out', path('server.crt'), ...words);
  };

  describe('makes what OpenSSL takes', () => {
    beforeEach(() => void make('--client', 'ann'));

    it('for a server and for nothing else', () => {
      expect(verify('sslserver', 'server.crt')).toBe(0);
      expect(verify('sslclient', 'server.crt')).not.toBe(0);
    });

    it('for a client and for nothing else', () => {
      expect(verify('sslclient', 'ann.crt')).toBe(0);
      expect(verify('sslserver', 'ann.crt')).not.toBe(0);
    });

    it('for an authority that signs, and is no server', () => {
      const { stdout } = openssl('x509', '-in', path('ca.crt'), '-noout', '-purpose');
      for (const line of ['SSL server : No', 'SSL server CA : Yes', 'SSL client : No', 'SSL client CA : Yes'])
        expect(stdout).toContain(line);
    });

    it('with a serial number of its own each time', () => {
      const before = certificate('server.crt').serialNumber;
      make('--force');
      const serials = [before, ...['server.crt', 'ann.crt', 'ca.crt'].map((name) => certificate(name).serialNumber)];
      expect(new Set(serials).size).toBe(4);
    });
  });

  it('names the authorities of two installations differently', () => {
    make();
    const { subject } = certificate('ca.crt');
    rmSync(path('.'), { recursive: true });
    make();
    expect(certificate('ca.crt').subject).not.toBe(subject);
  });

  it.each(['two words/and more', 'back\\nslash', '-dash', 'quote"s\'$HOME`'])('writes to a folder called %s', (out) => {
    expect(make('--out', out)).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(folder, out)).toSorted()).toEqual(FILES);
    expect(make('--out', out).stdout).toContain(`${out}/server.crt`);
  });

  it('names a host once, however often it is asked for', () => {
    make(...['b.example', 'B.Example', '10.0.0.5', 'b.example', '10.0.0.5'].flatMap((host) => ['--host', host]));
    expect(certificate('server.crt').subjectAltName).toBe('DNS:b.example, IP Address:10.0.0.5');
  });

  it('takes a hundred hosts', () => {
    const hosts = Array.from({ length: 100 }, (_, index) => `host-${index}.example.com`);
    expect(make(...hosts.flatMap((host) => ['--host', host])).status).toBe(0);
    expect(certificate('server.crt').subjectAltName?.split(', ')).toEqual(hosts.map((host) => `DNS:${host}`));
  });

  it('takes a name that is longer than a common name may be', () => {
    const host = `${'a'.repeat(63)}.${'b'.repeat(63)}.example`;
    expect(make('--host', host).status).toBe(0);
    expect(certificate('server.crt').checkHost(host)).toBe(host);
  });

  it('takes every spelling of an IPv6 address', () => {
    const hosts = ['::', '1::', '::2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:8', '64:ff9b::1.2.3.4'];
    expect(make(...hosts.flatMap((host) => ['--host', host])).status).toBe(0);
    for (const host of hosts) expect(certificate('server.crt').checkIP(host)).toBe(host);
    expect(make('--host', '1:0:0:0:0:0:0:0000')).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([...WRONG_HOSTS, ' localhost', `${'a'.repeat(64)}.example`])('refuses the host %s', (host) => {
    expect(make('--host', host)).toMatchObject({ status: 64, stdout: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['CA', 'Server', '.hidden', 'a/b', '-x', 'a b', 'a'.repeat(65)])('refuses the client %s', (client) => {
    expect(make('--client', client)).toMatchObject({ status: 64, stdout: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['826', '007', '-1', '+5', '1.5', '1e2', ' 3', '9'.repeat(30)])('refuses %s days', (days) => {
    expect(make('--days', days)).toMatchObject({ status: 64, stdout: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says that openssl is missing', () => {
    mkdirSync(join(folder, 'bin'));
    symlinkSync(run('sh', ['-c', 'command -v awk']).stdout.trim(), join(folder, 'bin/awk'));
    const { status, stderr } = run('/bin/sh', [SCRIPT], { PATH: join(folder, 'bin') });
    expect({ status, stderr }).toMatchObject({ status: 69, stderr: expect.stringContaining('openssl') });
    expect(readdirSync(folder)).toEqual(['bin']);
  });

  it.each(['file', 'file/below'])('says that it cannot write to %s', (out) => {
    writeFileSync(join(folder, 'file'), '');
    const { status, stderr } = make('--out', out);
    expect({ status, stderr }).toMatchObject({ status: 73, stderr: expect.stringContaining(`${out}: cannot write`) });
  });

  it('does not depend on the configuration of the machine’s openssl', () => {
    writeFileSync(join(folder, 'openssl.cnf'), '[req]\ndefault_md = md5\nprompt = yes\nx509_extensions = none\n');
    expect(run('/bin/sh', [SCRIPT], { OPENSSL_CONF: join(folder, 'openssl.cnf') }).status).toBe(0);
    expect(openssl('verify', '-CAfile', path('ca.crt'), path('server.crt')).status).toBe(0);
  });

  describe('does not pass off as good', () => {
    beforeEach(() => void make('--client', 'ann'));

    it.each<[string, RegExp, () => void]>([
      [
        'a certificate of another authority',
        /issuer/,
        () => ['ca.crt', 'ca.key'].forEach((name) => rmSync(path(name))),
      ],
      [
        'a certificate that has ended',
        /expired/,
        () => reissue('-days', '-1', '-CA', path('ca.crt'), '-CAkey', path('ca.key')),
      ],
      [
        'a key of another certificate',
        /server.key is not the key/,
        () => copyFileSync(path('ann.key'), path('server.key')),
      ],
      ['a file that is no certificate', /openssl x509/, () => writeFileSync(path('server.crt'), 'certificate\n')],
    ])('%s, and replaces it by force', (_, complaint, spoil) => {
      spoil();
      make(); // a missing authority is made anew
      const before = all();
      const { status, stderr } = make();
      expect(status).not.toBe(0);
      expect(stderr).toMatch(complaint);
      expect(all()).toEqual(before);

      expect(make('--force').status).toBe(0);
      expect(openssl('verify', '-CAfile', path('ca.crt'), path('server.crt')).status).toBe(0);
      expect(make()).toMatchObject({ status: 0, stderr: '' });
    });

    it('an authority that may not sign', () => {
      for (const end of ['crt', 'key']) copyFileSync(path(`server.${end}`), path(`ca.${end}`));
      const before = all();
      const { status, stderr } = make('--force', '--days', '300');
      expect({ status, stderr }).toMatchObject({ status: 65, stderr: expect.stringContaining('invalid CA') });
      expect(all()).toEqual(before);
    });
  });

  it('signs with an authority of somebody else’s making, but not for longer than that lasts', () => {
    mkdirSync(join(folder, 'certs'));
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=Company', '-days', '100'];
    openssl(...request, '-keyout', path('ca.key'), '-out', path('ca.crt'));
    const { status, stderr } = make();
    expect({ status, stderr }).toMatchObject({
      status: 65,
      stderr: expect.stringContaining('expires in fewer than 397 days'),
    });
    expect(make('--days', '90').status).toBe(0);
    expect(openssl('verify', '-CAfile', path('ca.crt'), path('server.crt')).status).toBe(0);
  });

  it('prints a command that makes Chromium on Linux trust the authority, on a fresh account too', () => {
    const command = /^.*certutil -d sql.*$/m.exec(make().stdout)![0];
    expect(run('/bin/sh', ['-c', command], { HOME: folder })).toMatchObject({ status: 0, stderr: '' });
    expect(run('certutil', ['-d', `sql:${folder}/.pki/nssdb`, '-L']).stdout).toMatch(/^switchboard +C,,/m);
  });
});
