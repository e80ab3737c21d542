import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { PresenceGateway } from './presence.gateway.js';

@Module({ providers: [PresenceGateway] })
class PresenceModule {}

describe('the status of members', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [PresenceModule]);
  });
  afterEach(() => app.stop());

  async function member(): Promise<Client> {
    const client = await app.connect();
    client.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
    await client.answer('join');
    return client;
  }

  it('reaches the other members, and those that join later', async () => {
    const [ann, bob] = [await member(), await member()];
    ann.send({ type: 'presence.set', data: { status: 'busy' } });
    const status = { sender: ann.id, data: { status: 'busy' } };
    expect(await bob.next('presence.status')).toMatchObject({ ...status, receiver: '#garden' });
    const eve = await member();
    expect(await eve.next('presence.status')).toMatchObject({ ...status, receiver: eve.id });
    ann.terminate();
    expect(await eve.next('sys.left')).toMatchObject({ sender: ann.id });
    const joe = await member();
    await joe.settled();
    expect(joe.inbox.filter(({ type }) => type === 'presence.status')).toEqual([]);
  });

  it('refuses an unknown status', async () => {
    const ann = await app.connect();
    ann.send({ type: 'presence.set', id: 's', data: { status: 'asleep' } });
    expect((await ann.answer('s')).data).toMatchObject({
      code: 'invalid_message',
      message: expect.stringContaining('status') as string,
    });
  });
});
