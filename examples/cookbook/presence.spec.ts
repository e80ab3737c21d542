import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../test/support/server.js';
import { PresenceGateway } from './presence.gateway.js';

@Module({ providers: [PresenceGateway] })
class PresenceModule {}

describe('the presence board', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [PresenceModule]);
  });
  afterEach(() => app.stop());

  it('shows who is there, and what changes', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    ann.send({ type: 'presence.set', data: { name: 'Ann', status: 'busy' } });
    const entry = { session: ann.id, name: 'Ann', status: 'busy' };
    expect((await bob.next('presence.changed')).data).toEqual(entry);
    bob.send({ type: 'presence.show' });
    expect((await bob.next('presence.show')).data).toEqual({ entries: [entry] });
    ann.terminate();
    expect((await bob.next('presence.left')).data).toEqual({ session: ann.id });
    bob.send({ type: 'presence.show' });
    expect((await bob.next('presence.show')).data).toEqual({ entries: [] });
  });

  it('refuses an unknown status', async () => {
    const ann = await app.connect();
    ann.send({ type: 'presence.set', id: 's', data: { name: 'Ann', status: 'asleep' } });
    expect((await ann.answer('s')).data).toMatchObject({
      code: 'invalid_message',
      message: expect.stringContaining('status') as string,
    });
  });
});
