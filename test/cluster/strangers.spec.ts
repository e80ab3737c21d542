import { connect as connectNats, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../src/cluster/wire/node-codec.js';
import type { Batch, Snapshot } from '../../src/cluster/wire/node-message.js';
import { connect } from '../support/client.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';

const RANDOM_PART = 'A'.repeat(16);

describe('a node that has not said who it is', () => {
  let nats: NatsServer;
  let node: ServerProcess;
  let strangers: NatsConnection;
  beforeAll(async () => {
    nats = await NatsServer.start();
    node = await ServerProcess.start({ BACKPLANE: 'nats', NATS_URL: nats.url });
    strangers = await connectNats({ servers: nats.url });
  });
  afterAll(async () => {
    await strangers.close();
    await node.kill();
    await nats.stop();
  });

  it('is asked all the same: what it takes is routed', async () => {
    const origin = { nodeId: 'slownode', incarnation: 1 };
    strangers.subscribe('switchboard.mail.slownode', {
      callback: (_, { data, reply }: Msg) => {
        const { number } = decodeMessage(data).message as Batch;
        strangers.publish('switchboard.all', encodeMessage(origin, { kind: 'heartbeat', sequence: 0 }));
        strangers.publish(reply!, encodeMessage(origin, { kind: 'receipt', number, refused: [] }));
      },
    });
    await strangers.flush();
    const ann = await connect(node.url);
    ann.send({ type: 'x', receiver: `slownode.${RANDOM_PART}`, id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { status: 'routed' } });
  });

  it('and does not listen is not there', async () => {
    const ann = await connect(node.url);
    ann.send({ type: 'x', receiver: `noonehas.${RANDOM_PART}`, id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { code: 'receiver_not_found' } });
  });

  it('is answered once, to all, where everybody asks at a time', async () => {
    const received: Snapshot[] = [];
    const nodeIds = Array.from({ length: 30 }, (_, index) => `asker-${String(index).padStart(2, '0')}`);
    for (const nodeId of nodeIds)
      strangers.publish(
        'switchboard.all',
        encodeMessage({ nodeId, incarnation: 1 }, { kind: 'heartbeat', sequence: 0 }),
      );
    await strangers.flush();
    const listen = (subject: string): Promise<void> =>
      new Promise((resolve) => {
        strangers.subscribe(subject, {
          callback: (_, { data }) => {
            const { message } = decodeMessage(data);
            if (message.kind === 'snapshot') resolve(void received.push(message));
          },
        });
      });
    const answered = listen('switchboard.all');
    for (const nodeId of nodeIds) void listen(`switchboard.to.${nodeId}`);
    await strangers.flush();
    for (const nodeId of nodeIds)
      strangers.publish('switchboard.all', encodeMessage({ nodeId, incarnation: 2 }, { kind: 'snapshotRequest' }));
    await answered;
    const ann = await connect(node.url);
    ann.send({ type: 'x', receiver: `noonehas.${RANDOM_PART}`, id: 'later' });
    await ann.answer('later');
    expect(received.map(({ first, last, requestsSnapshots }) => [first, last, requestsSnapshots])).toEqual([
      [true, true, false],
    ]);
  });
});
