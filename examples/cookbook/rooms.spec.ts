import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../test/support/server.js';
import { RoomsGateway } from './rooms.gateway.js';

@Module({ providers: [RoomsGateway] })
class RoomsModule {}

describe('rooms by hand', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [RoomsModule]);
  });
  afterEach(() => app.stop());

  it('send a message to the other members only', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    for (const member of [ann, bob]) {
      member.send({ type: 'room.join', id: 'j', data: { room: 'garden' } });
      await member.answer('j');
    }
    ann.send({ type: 'room.say', id: 's', data: { room: 'garden', text: 'hello' } });
    expect(await bob.next('room.said')).toMatchObject({ sender: ann.id, data: { room: 'garden', text: 'hello' } });
    expect((await ann.answer('s')).data).toEqual({ status: 'accepted' });
    await Promise.all([ann.settled(), eve.settled()]);
    expect([...ann.inbox, ...eve.inbox]).toEqual([]);
    eve.send({ type: 'room.say', id: 's', data: { room: 'garden', text: 'let me in' } });
    expect((await eve.answer('s')).data.code).toBe('forbidden');
    eve.send({ type: 'room.said', id: 'f', receiver: bob.id, data: { room: 'garden', text: 'forged' } });
    expect((await eve.answer('f')).data.code).toBe('reserved_type');
  });

  it('end with their last member, who leaves or closes', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    for (const member of [ann, bob]) member.send({ type: 'room.join', data: { room: 'garden' } });
    ann.send({ type: 'room.leave', id: 'l', data: { room: 'garden' } });
    await ann.answer('l');
    bob.send({ type: 'room.say', id: 's', data: { room: 'garden', text: 'anybody?' } });
    await bob.answer('s');
    await ann.settled();
    expect(ann.inbox).toEqual([]);
    await bob.close();
    ann.send({ type: 'room.join', id: 'j', data: { room: 'garden' } });
    await ann.answer('j');
    ann.send({ type: 'room.say', id: 's', data: { room: 'garden', text: 'anybody?' } });
    expect((await ann.answer('s')).data).toEqual({ status: 'accepted' });
  });

  it('are limited for each session', async () => {
    const ann = await app.connect();
    for (let room = 1; room <= 21; room++)
      ann.send({ type: 'room.join', id: `${room}`, data: { room: `room ${room}` } });
    expect((await ann.answer('20')).type).toBe('sys.ack');
    expect((await ann.answer('21')).data).toMatchObject({ code: 'refused' });
    ann.send({ type: 'room.join', id: 'again', data: { room: 'room 1' } });
    expect((await ann.answer('again')).type).toBe('sys.ack');
  });
});
