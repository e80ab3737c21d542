import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { RoomsGateway } from './rooms.gateway.js';

@Module({ providers: [RoomsGateway] })
class RoomsModule {}

describe('a room that is split into teams', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off', MAX_ROOMS_PER_SESSION: '2' }, [RoomsModule]);
  });
  afterEach(() => app.stop());

  async function member(...rooms: string[]): Promise<Client> {
    const client = await app.connect();
    for (const room of rooms) {
      client.send({ type: 'sys.join', receiver: `#${room}`, id: room });
      await client.answer(room);
    }
    return client;
  }

  it('has each member in one of two rooms, in which the members find each other', async () => {
    const members = await Promise.all(Array.from({ length: 4 }, () => member('garden')));
    members[0]!.send({ type: 'room.split', id: 's', data: { room: 'garden' } });
    expect(await members[0]!.answer('s')).toMatchObject({ type: 'room.split', data: { members: 4 } });
    const [one, two, three] = members.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect((await one!.next('room.team')).data).toEqual({ team: 'garden.red' });
    expect((await two!.next('room.team')).data).toEqual({ team: 'garden.blue' });
    one!.send({ type: 'chat', receiver: '#garden.red', id: 'c', data: 'red only' });
    expect(await three!.next('chat')).toMatchObject({ sender: one!.id, receiver: '#garden.red' });
    await two!.settled();
    expect(two!.inbox.filter(({ type }) => type === 'chat')).toEqual([]);
  });

  it('leaves out members that are in too many rooms', async () => {
    const [ann] = [await member('garden'), await member('garden', 'kitchen')];
    ann.send({ type: 'room.split', id: 's', data: { room: 'garden' } });
    expect((await ann.answer('s')).data).toEqual({ members: 1 });
  });

  it('is split for members only', async () => {
    const eve = await member('kitchen');
    eve.send({ type: 'room.split', id: 's', data: { room: 'garden' } });
    expect((await eve.answer('s')).data.code).toBe('forbidden');
    eve.send({ type: 'room.team', id: 'f', receiver: '#kitchen', data: { team: 'forged' } });
    expect((await eve.answer('f')).data.code).toBe('reserved_type');
  });
});
