import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { AUTH, bearer, token } from '../../test/support/tokens.js';
import { AdminGateway } from './admin.gateway.js';

@Module({ providers: [AdminGateway] })
class AdminModule {}

describe('a handler by claim', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ...AUTH, AUTH: 'optional', ARRIVAL_NOTICES: 'off' }, [AdminModule]);
  });
  afterEach(() => app.stop());

  const connectWith = async (role: unknown): Promise<Client> => app.connect(bearer(await token({ claims: { role } })));
  const codeOf = async (client: Client, type: string, data: object): Promise<string | undefined> => {
    client.send({ type, id: 'q', data });
    return (await client.answer('q')).data.code as string | undefined;
  };

  it('runs for the roles of the method, or else of the class', async () => {
    const [admin, editor, guest] = [await connectWith('admin'), await connectWith('editor'), await app.connect()];
    for (const client of [admin, editor]) {
      expect(await codeOf(client, 'admin.announce', { text: 'tea' })).toBeUndefined();
      const { role } = (await guest.next('admin.news')).data as { role: string };
      expect(role).toBe(client === admin ? 'admin' : 'editor');
    }
    expect(await codeOf(editor, 'admin.kick', { session: guest.id })).toBe('forbidden');
    expect(await codeOf(admin, 'admin.kick', { session: guest.id })).toBeUndefined();
    expect(await guest.closed).toMatchObject({ code: 4000 });
    expect(await codeOf(admin, 'admin.kick', { session: guest.id })).toBe('not_found');
  });

  it.each([undefined, null, 'user', ['admin'], 0, true])('is forbidden for the role %s', async (role) => {
    const client = role === undefined ? await app.connect() : await connectWith(role);
    expect(await codeOf(client, 'admin.announce', { text: 'tea' })).toBe('forbidden');
    expect(await codeOf(client, 'admin.kick', { session: client.id })).toBe('forbidden');
  });
});
