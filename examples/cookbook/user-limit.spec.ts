import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { AUTH, bearer, token } from '../../test/support/tokens.js';
import { HashGateway } from './user-limit.gateway.js';

@Module({ providers: [HashGateway] })
class HashModule {}

describe('the limit of a user', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ...AUTH, ARRIVAL_NOTICES: 'off' }, [HashModule]);
  });
  afterEach(() => app.stop());

  const connectAs = async (sub: string): Promise<Client> => app.connect(bearer(await token({ sub })));
  const call = async (client: Client, id: string): Promise<{ code?: string; retryAfterMs?: number }> => {
    client.send({ type: 'hash.text', id, data: { text: 'x' } });
    return (await client.answer(id)).data as object;
  };

  it('counts all connections of the user, and no other user', async () => {
    const [first, second, bob] = [await connectAs('ann'), await connectAs('ann'), await connectAs('bob')];
    // Three windows would be needed for all calls, which take a few milliseconds.
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, number) => call(number % 2 === 0 ? first : second, `${number}`)),
    );
    const limited = answers.filter(({ code }) => code === 'rate_limited');
    expect(limited.length).toBeGreaterThan(0);
    for (const { retryAfterMs } of limited) expect(retryAfterMs).toBeGreaterThan(0);
    expect((await call(bob, 'b')).code).toBeUndefined();
  });

  it('allows calls again in the next second', async () => {
    const ann = await connectAs('ann');
    await expect.poll(async () => (await call(ann, 'c')).code, { timeout: 10_000 }).toBe('rate_limited');
    await expect.poll(async () => (await call(ann, 'c')).code, { timeout: 10_000 }).toBeUndefined();
  });
});
