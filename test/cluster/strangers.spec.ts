import { connect as connectNats, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, encodeMessage, finish } from '../../src/cluster/wire/node-codec.js';
import { decodeMessage } from '../support/decode-message.js';
import type { Batch, Snapshot } from '../../src/cluster/wire/node-message.js';
import { connect } from '../support/client.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';

const RANDOM_PART = 'A'.repeat(16);

describe('messages of nodes that are no members', () => {
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

  it('make an unknown node that answers a batch a receiver', async () => {
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

  it('are not waited for where no node subscribes', async () => {
    const ann = await connect(node.url);
    ann.send({ type: 'x', receiver: `noonehas.${RANDOM_PART}`, id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { code: 'receiver_not_found' } });
  });

  it('that all request a snapshot at once share one answer', async () => {
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

  it('do not cut the link where a batch has no reply subject', async () => {
    const nodeId = String((await node.logged('joined'))['part']);
    const origin = { nodeId: 'hasnosub', incarnation: 1 };
    const batch = begin(origin, 'batch');
    batch.u32(1);
    batch.f64(1000);
    strangers.publish(`switchboard.mail.${nodeId}`, finish(batch));
    await strangers.flush();
    const ann = await connect(node.url);
    ann.send({ type: 'x', receiver: `noonehas.${RANDOM_PART}`, id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { code: 'receiver_not_found' } });
    expect(node.lines.filter(({ message }) => message === 'link lost')).toEqual([]);
    await ann.close();
  });

  it('that bear a former id of the node are ignored', async () => {
    const former = String((await node.logged('joined'))['part']);
    const head = { kind: 'snapshot', sequence: 0, first: true, last: true, requestsSnapshots: false } as const;
    const id = `${former}.${RANDOM_PART}`;
    const joined = (): number => node.lines.filter(({ message }) => message === 'joined').length;
    const before = joined();
    strangers.publish(
      `switchboard.to.${former}`,
      encodeMessage({ nodeId: 'fencing_', incarnation: 1 }, { kind: 'fenced', nodeId: former }),
    );
    while (joined() === before) await turn();
    // A batch of this node itself that was late: it must neither be refused nor make a member.
    strangers.publish(
      'switchboard.all',
      encodeMessage({ nodeId: former, incarnation: 9 }, { ...head, sessions: [{ id }], departures: [] }),
    );
    const answers = strangers.subscribe(`switchboard.to.${former}`);
    await strangers.flush();
    const ann = await connect(node.url);
    ann.send({ type: 'x', receiver: id, id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { code: 'receiver_not_found' } });
    ann.send({ type: 'sys.who', id: 'who', data: { limit: 1000 } });
    expect((await ann.answer('who')).data).toMatchObject({ sessions: [ann.id], total: 1 });
    await strangers.flush();
    expect(answers.getReceived()).toBe(0);
    await ann.close();
  });

  it('that bear the id of the node itself are ignored', async () => {
    const nodeId = String(node.lines.findLast(({ message }) => message === 'joined')!['part']);
    const origin = { nodeId, incarnation: 1 };
    const id = `${nodeId}.${RANDOM_PART}`;
    const head = { kind: 'snapshot', sequence: 0, first: true, last: true, requestsSnapshots: false } as const;
    strangers.publish('switchboard.all', encodeMessage(origin, { ...head, sessions: [{ id }], departures: [] }));
    await strangers.flush();
    const ann = await connect(node.url);
    ann.send({ type: 'x', receiver: id, id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { code: 'receiver_not_found' } });
    ann.send({ type: 'sys.who', id: 'who', data: { limit: 1000 } });
    const { sessions } = (await ann.answer('who')).data as { sessions: string[] };
    expect([sessions.includes(ann.id), sessions.includes(id)]).toEqual([true, false]);
    await ann.close();
  });
});
