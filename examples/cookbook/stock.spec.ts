import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { Database, DatabaseSession } from './database.js';
import { StockGateway } from './stock.gateway.js';

@Module({ providers: [Database, DatabaseSession, StockGateway] })
class StockModule {}

describe('a request-scoped database session', () => {
  let app: TestServer;
  let database: Database;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [StockModule]);
    database = app.app.get(Database, { strict: false });
  });
  afterEach(() => app.stop());

  const answer = async (client: Client, type: string, data?: object): Promise<unknown> => {
    client.send({ type, id: 'q', data });
    const { data: answered } = await client.answer('q');
    if (type === 'stock.change' && answered.code === undefined) await client.answer('q');
    return answered;
  };
  const change = (client: Client, by: number): Promise<unknown> =>
    answer(client, 'stock.change', { item: 'bolts', change: by });

  it('shows its changes to its own session only, until it commits', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    expect(await change(ann, 5)).toEqual({ count: 5 });
    expect(await change(bob, 1)).toEqual({ count: 1 });
    await answer(ann, 'stock.commit');
    expect(await change(bob, 1)).toEqual({ count: 7 });
    await answer(bob, 'stock.rollback');
    expect(database.count('bolts')).toBe(5);
  });

  it('commits all changes or none', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    await change(ann, 5);
    await answer(ann, 'stock.commit');
    for (const client of [ann, bob]) expect(await change(client, -3)).toEqual({ count: 2 });
    expect(await answer(ann, 'stock.commit')).toEqual({ status: 'accepted' });
    expect(await answer(bob, 'stock.commit')).toMatchObject({ code: 'conflict' });
    expect(database.count('bolts')).toBe(2);
    expect(database.connections).toBe(0);
  });

  it('gives its connection back when the session leaves, and changes nothing', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    await change(ann, 5);
    expect(database.connections).toBe(1);
    ann.terminate();
    await bob.next('sys.departed');
    await expect.poll(() => database.connections).toBe(0);
    expect(database.count('bolts')).toBe(0);
  });

  it('is refused while all connections are lent', async () => {
    const clients = await Promise.all(Array.from({ length: 101 }, () => app.connect()));
    const answers = await Promise.all(clients.map((client) => change(client, 1)));
    expect(answers.filter((each) => (each as { code?: string }).code === 'unavailable')).toHaveLength(1);
  });
});
