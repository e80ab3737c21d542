import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Switchboard } from 'switchboard';
import { startServer, type TestServer } from '../../test/support/server.js';
import { MatchmakingGateway } from './matchmaking.gateway.js';

@Module({ providers: [MatchmakingGateway] })
class MatchmakingModule {}

describe('matchmaking', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [MatchmakingModule]);
  });
  afterEach(() => app.stop());

  it('pairs two sessions that look for the same game', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    for (const [client, game] of [
      [ann, 'chess'],
      [eve, 'go'],
      [bob, 'chess'],
    ] as const) {
      client.send({ type: 'match.find', id: 'f', data: { game } });
      await client.answer('f');
    }
    expect((await ann.next('match.found')).data).toEqual({ game: 'chess', opponent: bob.id });
    expect((await bob.next('match.found')).data).toEqual({ game: 'chess', opponent: ann.id });
    await eve.settled();
    expect(eve.inbox).toEqual([]);
  });

  it('does not pair a session with itself, nor with one that has cancelled or left', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    for (const id of ['1', '2']) {
      ann.send({ type: 'match.find', id, data: { game: 'go' } });
      await ann.answer(id);
    }
    await ann.close();
    bob.send({ type: 'match.find', data: { game: 'go' } });
    bob.send({ type: 'match.cancel', id: 'c' });
    await bob.answer('c');
    eve.send({ type: 'match.find', id: 'f', data: { game: 'go' } });
    await eve.answer('f');
    await Promise.all([bob.settled(), eve.settled()]);
    expect([...bob.inbox, ...eve.inbox].filter(({ type }) => type === 'match.found')).toEqual([]);
  });

  it('goes on where one of the two cannot be told of the match', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    const gateway = app.app.get(MatchmakingGateway, { strict: false });
    const left = app.app.get(Switchboard, { strict: false }).find(ann.id)!;
    await ann.close();
    gateway.find({ game: 'go' }, left); // as a session that reads too slowly, it waits and gets nothing
    bob.send({ type: 'match.find', id: 'f', data: { game: 'go' } });
    expect((await bob.answer('f')).type).toBe('sys.ack');
    gateway.find({ game: 'go' }, left);
    expect((await bob.next('match.found')).data).toEqual({ game: 'go', opponent: ann.id });
    expect((await bob.next('match.lost')).data).toEqual({ game: 'go' });
    for (const client of [bob, eve]) client.send({ type: 'match.find', data: { game: 'go' } });
    expect((await bob.next('match.found')).data).toEqual({ game: 'go', opponent: eve.id });
  });
});
