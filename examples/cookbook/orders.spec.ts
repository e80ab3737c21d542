import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../test/support/server.js';
import { OrdersGateway } from './orders.gateway.js';

@Module({ providers: [OrdersGateway] })
class OrdersModule {}

describe('an order', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [OrdersModule]);
  });
  afterEach(() => app.stop());

  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const later = new Date(Date.now() + 7_200_000).toISOString();
  const part = { sku: 'bolt', count: 3 };

  it('has nested arrays and dates', async () => {
    const ann = await app.connect();
    const parcels = [
      { deliverAt: later, parts: [part, part] },
      { deliverAt: soon, parts: [part] },
    ];
    ann.send({ type: 'order.place', id: 'o', data: { parcels } });
    expect((await ann.answer('o')).data).toMatchObject({ pieces: 9, lastDelivery: later });
  });

  it.each<[string, unknown]>([
    ['data.parcels', []],
    ['data.parcels.0.parts', [{ deliverAt: soon, parts: [] }]],
    ['data.parcels.0.parts.1.count', [{ deliverAt: soon, parts: [part, { sku: 'nut', count: 0.5 }] }]],
    ['data.parcels.0.parts.0.colour', [{ deliverAt: soon, parts: [{ ...part, colour: 'red' }] }]],
    ['data.parcels.0.deliverAt', [{ deliverAt: 'tomorrow', parts: [part] }]],
    ['data.parcels.0.deliverAt', [{ deliverAt: '2020-01-01T00:00:00Z', parts: [part] }]],
    ['data.parcels.0.deliverAt', [{ deliverAt: null, parts: [part] }]],
    ['data.parcels.0.deliverAt', [{ deliverAt: 5, parts: [part] }]],
    ['data.parcels.0.deliverAt', [{ parts: [part] }]],
    ['data.parcels', [null]],
  ])('is refused with the path %s', async (path, parcels) => {
    const ann = await app.connect();
    ann.send({ type: 'order.place', id: 'o', data: { parcels } });
    const { code, message } = (await ann.answer('o')).data as { code: string; message: string };
    expect(code).toBe('invalid_message');
    expect(message).toContain(path);
  });
});
