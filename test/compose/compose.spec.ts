import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { makeCertificates } from '../support/certificates.js';
import { connect } from '../support/client.js';
import { Compose } from '../support/compose.js';
import { countDeliveries } from '../support/delivery-count.js';
import { SessionRing } from './session-ring.js';

describe('docker compose', () => {
  let compose: Compose;
  let ca: string;
  let url: string;

  beforeAll(async () => {
    compose = await Compose.create();
    await compose.run('up', '--build', '--detach', '--wait');
    ca = await compose.read('nginx', '/certs/ca.crt');
    url = `wss://localhost:${compose.httpsPort}/wss`;
  });
  afterAll(async () => {
    await compose?.run('down', '--volumes');
  });

  it('exchanges messages over wss and delivers the departure notice', async () => {
    const [ann, bob] = await Promise.all([connect(url, { ca }), connect(url, { ca })]);
    ann.send({ type: 'offer', receiver: bob.id, data: { text: 'hello' }, id: '1' });
    expect(await bob.next('offer')).toMatchObject({ sender: ann.id, data: { text: 'hello' } });
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
    await bob.close();
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id });
    await ann.close();
  });

  it('reaches the application by a Unix socket, and the application sees the address of the client', async () => {
    expect((await ask(`https://localhost:${compose.httpsPort}/wss?unix`, { ca })).status).toBe(426);
    const logged = async (
      service: string,
      word: string,
    ): Promise<{ upstream?: string; address: string } | undefined> => {
      const lines = (await compose.run('logs', '--no-log-prefix', service)).split('\n');
      const line = lines.find((each) => each.includes(word));
      // Compose writes a control sequence before each line.
      return line === undefined
        ? undefined
        : (JSON.parse(line.slice(line.indexOf('{'))) as { upstream?: string; address: string });
    };
    await expect.poll(() => logged('nginx', '"status":426')).toBeDefined(); // nginx logs after the answer
    const [seen, believed] = [await logged('nginx', '"status":426'), await logged('app', '"upgrade_required"')];
    expect(seen?.upstream).toBe('unix:/run/switchboard/0.sock');
    expect(believed?.address).toBe(seen?.address);
  });

  it('redirects plain HTTP to the published https port', async () => {
    const { headers } = await ask(`http://localhost:${compose.httpPort}/wss`);
    expect(headers.location).toBe(`https://localhost:${compose.httpsPort}/wss`);
  });

  it('passes every check of the doctor', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-doctor-'));
    await writeFile(join(folder, 'ca.crt'), ca);
    const target = ['--url', url, '--ca', join(folder, 'ca.crt'), '--http-port', String(compose.httpPort)];
    const { stdout } = await promisify(execFile)(process.execPath, ['scripts/doctor.js', ...target]);
    expect(stdout).toContain('All checks passed.');
    await rm(folder, { recursive: true });
  });

  it('serves metrics inside the container, as docs/operations.md describes', async () => {
    const script = "fetch('http://127.0.0.1:3000/metrics').then((r) => r.text()).then(console.log)";
    expect(await compose.run('exec', '-T', 'app', 'node', '--eval', script)).toMatch(/^switchboard_sessions \d+$/m);
  });

  it('publishes only the ports of nginx', async () => {
    const published = JSON.parse(await compose.run('config', '--format', 'json')) as {
      services: Record<string, { ports?: unknown[] }>;
    };
    const services = Object.entries(published.services).filter(([, { ports }]) => ports !== undefined);
    expect(services.map(([name]) => name)).toEqual(['nginx']);
  });

  it('finds the files of certbot by the command of docs/operations.md', async () => {
    const document = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const [, files = ''] = /docker compose ((?:-f \S+ )+)up/.exec(document) ?? [];
    const acme = compose.with({ ACME_HOSTS: 'chat.example.com', ACME_EMAIL: 'you@example.com' });
    const { services } = JSON.parse(await acme.run(...files.trim().split(' '), 'config', '--format', 'json')) as {
      services: Record<string, { volumes?: { type: string; source: string }[] }>;
    };
    const mounted = services['certbot']!.volumes!.filter(({ type }) => type === 'bind').map(({ source }) => source);
    expect(mounted.map((path) => existsSync(path))).toEqual([true]);
  });

  it('runs services with a read-only root file system and without privileges', async () => {
    for (const service of ['app', 'nginx'])
      await expect(compose.run('exec', '-T', service, 'touch', '/usr/x')).rejects.toThrow('Read-only file system');
    const status = await compose.run('exec', '-T', 'app', 'cat', '/proc/1/status');
    expect(status).toMatch(/^Uid:\t1000\t/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it('has no development dependency in the image', async () => {
    const modules = (await compose.run('exec', '-T', 'app', 'ls', 'node_modules')).split('\n');
    expect(modules).toContain('ws');
    expect(modules).not.toContain('typescript');
    expect(modules).not.toContain('vitest');
  });

  it('works after a restart of the application, without a reload of nginx', async () => {
    const before = await connect(url, { ca });
    await compose.run('restart', 'app');
    await before.closed;
    await compose.run('up', '--detach', '--wait');
    const [ann, bob] = await Promise.all([connect(url, { ca }), connect(url, { ca })]);
    ann.send({ type: 'again', receiver: bob.id });
    expect(await bob.next('again')).toMatchObject({ sender: ann.id });
    await Promise.all([ann.close(), bob.close()]);
  });

  it('gives clients that ask for it their sessions back after an upgrade', async () => {
    const offering = (offer: string): { ca: string; protocols: string[] } => ({
      ca,
      protocols: ['switchboard.v1', offer],
    });
    const before = await connect(url, offering('resume'));
    before.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
    await before.answer('join');
    await compose.renewImage('app');
    await compose.run('up', '--detach', '--wait');
    expect(await before.closed).toEqual({ code: 1012, reason: 'service_restart' });
    const received = before.frames.filter((text) => !/"type":"sys\.(welcome|seen)"/.test(text)).length;
    const after = await connect(url, offering(`resume.${before.welcome.data.resume.token}.${received}`));
    expect(after.welcome).toMatchObject({ receiver: before.id, data: { resumed: true, received: 1 } });
    after.send({ type: 'sys.who', receiver: '#garden', id: 'who' });
    expect((await after.answer('who')).data).toMatchObject({ sessions: [before.id] });
    expect(await compose.run('exec', '-T', 'app', 'ls', '-A', '/var/lib/switchboard')).toBe('');
    await after.close();
  });

  it('loses no acknowledged message during an upgrade under load', async () => {
    const ring = new SessionRing(url, { ca });
    await ring.allConnected();
    const before = ring.connections.slice();
    await ring.exchange(before.length);

    const container = await compose.run('ps', '--quiet', 'app');
    await compose.renewImage('app');
    const load = ring.startExchange();
    await compose.run('up', '--detach', '--wait');
    expect(await compose.run('ps', '--quiet', 'app')).not.toBe(container);
    for (const { closed } of before) expect(await closed).toEqual({ code: 1012, reason: 'service_restart' });
    await ring.allConnected();
    await ring.exchange(ring.size);
    await load.stop();
    await ring.close();

    const { acknowledged, ...faults } = countDeliveries(ring.connections);
    expect(faults).toEqual({ lost: 0, duplicated: 0, misordered: 0 });
    expect(acknowledged).toBeGreaterThan(2 * ring.size);
    expect(before.every(({ inbox }) => inbox.some(({ type }) => type === 'sys.ack'))).toBe(true);
    expect(ring.connections.length).toBeGreaterThan(before.length);
  });

  it('answers 503 while the application is down, and finds it again', async () => {
    await compose.run('rm', '--stop', '--force', 'app');
    const { status, body } = await ask(`https://localhost:${compose.httpsPort}/wss`, { ca });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'unavailable' } });
    expect(await compose.run('logs', 'nginx')).not.toContain('[crit]'); // such lines have the query of a request
    await compose.run('up', '--detach', '--wait');
    await (await connect(url, { ca })).close();
  });

  it('keeps the local authority in a new nginx container', async () => {
    await compose.run('up', '--detach', '--wait', '--force-recreate', 'nginx');
    expect(await compose.read('nginx', '/certs/ca.crt')).toBe(ca);
    await (await connect(url, { ca })).close();
  });

  it('serves the certificate in TLS_CERT_DIR, for any owner of the key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-certs-'));
    await chmod(folder, 0o755);
    await makeCertificates(folder);
    if (process.getuid?.() === 0) await chown(join(folder, 'privkey.pem'), 1234, 1234);
    const operator = compose.with({ TLS_CERT_DIR: folder });
    await operator.run('up', '--detach', '--wait', 'nginx');
    await (await connect(url, { ca: await readFile(join(folder, 'ca.crt')) })).close();
    await expect(connect(url, { ca })).rejects.toThrow('verify');

    await rm(join(folder, 'privkey.pem'));
    await expect(operator.run('up', '--detach', '--wait', '--force-recreate', 'nginx')).rejects.toThrow(
      'Command failed',
    );
    expect(await operator.run('logs', 'nginx')).toContain(`cannot read ${folder}/privkey.pem`);
    await operator.run('rm', '--stop', '--force', 'nginx'); // or its next restart would create the folder again
    await rm(folder, { recursive: true });
  });

  it('removes all containers', async () => {
    await compose.run('down', '--volumes');
    expect(await compose.run('ps', '--all', '--quiet')).toBe('');
  });
});
