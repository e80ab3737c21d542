import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, token } from '../support/tokens.js';

interface ResumeWelcome {
  readonly resume: { readonly token: string };
  readonly resumed?: boolean;
  readonly reason?: string;
}

const dataOf = ({ welcome }: Client): ResumeWelcome => welcome.data as ResumeWelcome;
const tokenOf = (client: Client): string => dataOf(client).resume.token;

describe('the token of a session that resumes', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({ ...AUTH, HANDSHAKES_PER_SECOND: '3', MAX_CONNECTIONS_PER_USER: '0' });
  });
  afterEach(() => server.stop());

  async function open(offer: string, sub = 'ann'): Promise<Client> {
    return connect(server.url, { protocols: ['switchboard.v1', offer, `bearer.${await token({ sub })}`] });
  }

  it('has 128 random bits behind the session id, and another value after each return', async () => {
    const ann = await open('resume');
    expect(tokenOf(ann)).toMatch(/^[A-Za-z0-9_-]{46}$/);
    expect(tokenOf(ann).slice(0, 24)).toBe(ann.id.replace('.', ''));
    const back = await open(`resume.${tokenOf(ann)}.0`);
    expect([back.id, tokenOf(back) === tokenOf(ann)]).toEqual([ann.id, false]);
  });

  it('that is wrong in any character opens a new session, and does nothing to the session that it names', async () => {
    const ann = await open('resume');
    const good = tokenOf(ann);
    const other = (at: number): string => `${good.slice(0, at)}${good[at] === 'A' ? 'Q' : 'A'}${good.slice(at + 1)}`;
    for (const guess of [other(0), other(12), other(24), other(44), good.slice(1), `${good}A`]) {
      const guessing = await open(`resume.${guess}.0`);
      expect([guessing.id === ann.id, dataOf(guessing)]).toMatchObject([false, { resumed: false, reason: 'unknown' }]);
      await guessing.close();
    }
    await ann.settled();
    expect((await open(`resume.${good}.0`)).id).toBe(ann.id);
  });

  it('is of no use to another user', async () => {
    const ann = await open('resume');
    const bob = await open(`resume.${tokenOf(ann)}.0`, 'bob');
    expect([bob.id === ann.id, dataOf(bob)]).toMatchObject([false, { resumed: false, reason: 'unknown' }]);
    await ann.settled();
    expect(ann.inbox.map(({ type }) => type)).toEqual(['sys.arrived']);
  });

  it('does not stand for the token of the user', async () => {
    const ann = await open('resume');
    const offered = connect(server.url, { protocols: ['switchboard.v1', `resume.${tokenOf(ann)}.0`] });
    await expect(offered).rejects.toThrow('401');
    await ann.settled();
  });

  it('is used up with the first frame after a return', async () => {
    const ann = await open('resume');
    const back = await open(`resume.${tokenOf(ann)}.0`);
    await back.settled();
    const late = await open(`resume.${tokenOf(ann)}.0`);
    expect(dataOf(late)).toMatchObject({ resumed: false, reason: 'unknown' });
    await back.settled();
  });

  it('is guessed no faster than HANDSHAKES_PER_SECOND', async () => {
    const guesses = Array.from({ length: 60 }, () => open(`resume.${'A'.repeat(46)}.0`));
    const results = await Promise.allSettled(guesses);
    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => String(reason));
    expect(refused.length).toBeGreaterThan(5);
    for (const reason of refused) expect(reason).toContain('429');
  });
});
