import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../test/support/server.js';
import { CursorsGateway } from './cursors.gateway.js';

@Module({ providers: [CursorsGateway] })
class CursorsModule {}

describe('cursors', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [CursorsModule]);
  });
  afterEach(() => app.stop());

  it('arrive in fewer messages than moves, with the last position, and without acknowledgements', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    bob.send({ type: 'cursor.move', data: { x: 0, y: 0 } });
    await bob.next('cursor.moved');
    for (let move = 1; move <= 60; move++) ann.send({ type: 'cursor.move', data: { x: move / 60, y: 0.5 } });
    let received = 0;
    for (let x = 0; x < 1; received++) ({ x } = (await bob.next('cursor.moved')).data.cursors[0] as { x: number });
    expect(received).toBeLessThan(60);
    await ann.settled();
    expect(ann.inbox.filter(({ type }) => type !== 'cursor.moved')).toEqual([]);
  });

  it('go to the sessions that share theirs, and leave with their session', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    for (const client of [ann, bob]) client.send({ type: 'cursor.move', data: { x: 0, y: 0 } });
    await ann.next('cursor.moved');
    await bob.close();
    expect((await ann.next('cursor.left')).data).toEqual({ session: bob.id });
    await eve.settled();
    expect(eve.inbox.filter(({ type }) => type.startsWith('cursor.'))).toEqual([]);
  });

  it('are limited in number', async () => {
    const clients = await Promise.all(Array.from({ length: 101 }, () => app.connect()));
    for (const client of clients) client.send({ type: 'cursor.move', id: 'm', data: { x: 0, y: 1 } });
    const answers = await Promise.all(clients.map((client) => client.answer('m')));
    expect(answers.filter(({ type }) => type === 'sys.error')).toHaveLength(1);
  });
});
