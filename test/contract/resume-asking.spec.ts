import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import { attempt, NO_TOKEN, QUIET } from '../support/resume.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, token } from '../support/tokens.js';

const ALLOWED = 'A-Za-z0-9_-';
const BAD = '400 bad_handshake';

let server: TestServer;
afterEach(() => server.stop());

const start = async (variables: Record<string, string> = {}): Promise<void> => {
  server = await startServer({ ...QUIET, ...variables });
};

describe('a client asks to resume', () => {
  it.each(['subprotocol', 'header'] as const)('by the %s, and gets a token, the window and the bytes', async (by) => {
    await start();
    const client = await ResumableClient.open(server, { by });
    const { sender, receiver, data } = client.welcome;
    expect([sender, receiver]).toEqual(['server', client.id]);
    expect(data).toMatchObject({ protocol: 1, resume: { windowMs: 60_000, bytes: 262_144 } });
    expect(Object.keys((data as { resume: object }).resume).toSorted()).toEqual(['bytes', 'token', 'windowMs']);
    expect(client.token).toMatch(new RegExp(`^[${ALLOWED}]{22,128}$`));
    for (const field of ['resumed', 'received', 'awayMs', 'reason']) expect(data).not.toHaveProperty(field);
  });

  it('and the window and the bytes are those of the settings', async () => {
    await start({ RESUME_WINDOW_MS: '30000', RESUME_BYTES: '100000' });
    const { welcome } = await ResumableClient.open(server);
    expect(welcome.data).toMatchObject({ resume: { windowMs: 30_000, bytes: 100_000 } });
  });

  it('and gets switchboard.v1 selected where it is offered, never the offer to resume', async () => {
    await start();
    const offered = await ResumableClient.open(server);
    expect(await offered.connection.accepted).toMatch(/^sec-websocket-protocol: switchboard\.v1$/im);
    const byHeader = await ResumableClient.open(server, { by: 'header' });
    expect(await byHeader.connection.accepted).not.toMatch(/^sec-websocket-protocol/im);
  });

  it('beside a token of its user, in any order of the subprotocols', async () => {
    await start(AUTH);
    const bearer = `bearer.${await token({ sub: 'ann' })}`;
    for (const protocols of [
      ['switchboard.v1', 'resume', bearer],
      [bearer, 'resume', 'switchboard.v1'],
    ]) {
      const client = await connect(server.url, { protocols });
      expect(client.welcome.data).toMatchObject({ resume: { windowMs: 60_000 } });
      expect(client.socket.protocol).toBe('switchboard.v1');
    }
  });

  it('and each session gets a token of its own', async () => {
    await start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => ResumableClient.open(server)));
    expect(new Set(clients.map(({ token: each }) => each)).size).toBe(20);
    for (const client of clients) expect(client.token).not.toContain(client.id);
  });
});

describe('an offer of another form is a bad handshake', () => {
  it('in the subprotocol', async () => {
    await start();
    const offers = [
      'resume.',
      'resume.x',
      'resume.x.',
      'resume..0',
      `resume.${NO_TOKEN}`,
      `resume.${NO_TOKEN}.-1`,
      `resume.${NO_TOKEN}.+1`,
      `resume.${NO_TOKEN}.1.5`,
      `resume.${NO_TOKEN}.1e3`,
      `resume.${NO_TOKEN}.0x1`,
      `resume.${NO_TOKEN}.x`,
      `resume.${NO_TOKEN}.0.0`,
      `resume.${NO_TOKEN}.1234567890123456`,
      `resume.${'x'.repeat(129)}.0`,
      'resume.a!b.0',
      'resume.a%41.0',
      'resume.new',
    ];
    for (const offer of offers) expect([offer, await attempt(server, offer)]).toEqual([offer, BAD]);
  });

  it('in the header', async () => {
    await start();
    const values = [
      'old',
      'yes',
      'NEW',
      'x',
      'x.',
      '.0',
      `${NO_TOKEN}.-1`,
      `${NO_TOKEN}.1.5`,
      `${NO_TOKEN} 1`,
      'new, new',
    ];
    for (const value of values) expect([value, await attempt(server, value, 'header')]).toEqual([value, BAD]);
  });

  it('and disturbs no session', async () => {
    await start();
    const client = await ResumableClient.open(server);
    for (const offer of [`resume.${client.token}`, `resume.${client.token}.`, `resume.${client.token}.-1`])
      expect(await attempt(server, offer)).toBe(BAD);
    await client.settled();
    expect(client.connection.isOver).toBe(false);
  });
});

describe('a session whose client has not asked to resume', () => {
  it('has a welcome without data about resuming', async () => {
    await start();
    for (const protocols of [[], ['switchboard.v1'], ['switchboard.v1', 'chat']]) {
      const { welcome } = await connect(server.url, { protocols });
      for (const field of ['resume', 'resumed', 'reason']) expect(welcome.data).not.toHaveProperty(field);
    }
  });

  it('may not send sys.seen', async () => {
    await start();
    const client = await server.connect();
    client.send({ type: 'sys.seen', id: 's', data: { frames: 0 } });
    expect(await client.answer('s')).toMatchObject({ type: 'sys.error', data: { code: 'reserved_type' } });
  });

  it('ends when its connection is cut', async () => {
    await start({ NOTICE_SCOPE: 'all' });
    const [ann, bob] = [await server.connect(), await server.connect({ protocols: ['switchboard.v1'] })];
    bob.terminate();
    expect(await ann.next()).toEqual({ type: 'sys.departed', sender: bob.id, receiver: '*', data: { code: 1006 } });
  });
});

describe('with RESUME_WINDOW_MS=0', () => {
  it('offers to resume are ignored', async () => {
    await start({ RESUME_WINDOW_MS: '0' });
    for (const offer of ['resume', `resume.${NO_TOKEN}.0`]) {
      const { welcome } = await connect(server.url, { protocols: ['switchboard.v1', offer] });
      for (const field of ['resume', 'resumed', 'reason']) expect(welcome.data).not.toHaveProperty(field);
    }
  });

  it('a session ends when its connection is cut', async () => {
    await start({ RESUME_WINDOW_MS: '0', NOTICE_SCOPE: 'all' });
    const ann = await server.connect();
    const bob = await connect(server.url, { protocols: ['switchboard.v1', 'resume'] });
    bob.terminate();
    expect(await ann.next()).toMatchObject({ type: 'sys.departed', sender: bob.id, data: { code: 1006 } });
  });
});
