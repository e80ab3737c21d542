import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GroupReceipt } from '../../src/cluster/backplane.js';
import { Clock } from '../../src/cluster/clock.js';
import { BatchAccumulator, type PublishResult } from '../../src/cluster/nats/batch-accumulator.js';
import { InFlight } from '../../src/cluster/nats/in-flight.js';
import { Subjects } from '../../src/cluster/nats/subjects.js';
import type { RequestOutcome } from '../../src/cluster/wire/node-message.js';
import { decodeMessage } from '../support/decode-message.js';
import { textFrame } from '../../src/protocol/index.js';
import { Log } from '../../src/telemetry/log.js';

const TIMEOUT_MS = 60_000;
const clock = new Clock(new Log({ logLevel: 'error', logFormat: 'text' }));

describe('the batch accumulator', () => {
  let sent: string[];
  let outcomes: (RequestOutcome | GroupReceipt)[];
  let connected: boolean;
  let inFlight: InFlight;
  let accumulator: BatchAccumulator;

  beforeEach(() => {
    sent = [];
    outcomes = [];
    connected = true;
    const subjects = new Subjects('test');
    const publish = (subject: string, bytes: Uint8Array, reply?: string): PublishResult => {
      if (!connected) return 'disconnected';
      sent.push(describeMessage(subject, bytes, reply));
      return 'published';
    };
    inFlight = new InFlight(TIMEOUT_MS, clock);
    const announce = (subject: string, bytes: Uint8Array): void => void publish(subject, bytes);
    const publisher = { origin: { nodeId: 'abcdefgh', incarnation: 1 }, publish, announce };
    accumulator = new BatchAccumulator(publisher, subjects, inFlight, 1000, clock);
  });

  /** Shows the receivers of a batch, or the ids and types of events. */
  function describeMessage(subject: string, bytes: Uint8Array, reply: string | undefined): string {
    const { message } = decodeMessage(bytes);
    if (message.kind === 'batch') {
      expect([reply, message.maxAgeMs]).toEqual([`test.receipt.abcdefgh.${message.number}`, 1000]);
      return `${subject}: ${message.items.map((item) => item?.receiver).join(' ')}`;
    }
    if (message.kind !== 'events') throw new Error(`unexpected ${message.kind}`);
    const items = message.items.map((item) => ('id' in item ? item.id : item.type));
    return `${subject} ${message.sequence}: ${items.join(' ')}`;
  }

  const request = (nodeId: string, receiver: string, text = '{}'): void =>
    accumulator.addRequest(
      nodeId,
      { type: receiver.startsWith('#') ? 'groupMessage' : 'message', sender: 's', receiver, frame: textFrame(text) },
      (failure, counts) => outcomes.push(failure ?? counts),
    );
  const departed = (id: string): void => accumulator.addEvent({ type: 'departed', id, code: 1000 });

  it('sends one batch per node at the end of the turn', async () => {
    request('a', 'a1');
    request('b', 'b1');
    request('a', 'a2');
    expect(sent).toEqual([]);
    expect([accumulator.waiting, inFlight.waiting]).toEqual([3, 0]);
    await turn();
    expect(sent).toEqual(['test.mail.a: a1 a2', 'test.mail.b: b1']);
    expect([accumulator.waiting, inFlight.waiting]).toEqual([0, 3]);
    inFlight.settle('b', { kind: 'receipt', number: 1, refused: [] });
    expect(outcomes).toEqual([]);
    inFlight.settle('a', { kind: 'receipt', number: 1, refused: [[1, 'receiver_not_found']] });
    expect(outcomes).toEqual([undefined, 'receiver_not_found']);
    inFlight.failAll();
  });

  it('keeps the order of events and requests', async () => {
    departed('x');
    departed('y');
    request('a', 'a1');
    request('b', 'b1');
    departed('z');
    request('a', 'a2');
    await turn();
    expect(sent).toEqual(['test.all 1: x y', 'test.mail.a: a1', 'test.mail.b: b1', 'test.all 2: z', 'test.mail.a: a2']);
    inFlight.failAll();
  });

  it('orders the messages to a room between the news of its members', async () => {
    accumulator.addEvent({ type: 'joined', id: 'x', room: 'garden' });
    request('a', '#garden');
    accumulator.addEvent({ type: 'left', id: 'x', room: 'garden' });
    await turn();
    expect(sent).toEqual(['test.all 1: x', 'test.mail.a: #garden', 'test.all 2: x']);
    inFlight.failAll();
  });

  it('settles each message to a group once, with its counts or the failure', async () => {
    for (const receiver of ['#garden', 'a1', '#pond', '#empty']) request('a', receiver);
    await turn();
    const counts = [[0, { delivered: 2, skipped: 1 }] as const, [3, { delivered: 0, skipped: 0 }] as const];
    const receipt = { kind: 'receipt', number: 1, refused: [[2, 'unavailable']], counts } as const;
    inFlight.settle('a', receipt);
    inFlight.settle('a', receipt);
    expect(outcomes).toEqual([{ delivered: 2, skipped: 1 }, undefined, 'unavailable', { delivered: 0, skipped: 0 }]);
    expect(inFlight.waiting).toBe(0);
  });

  it('sends a long batch before the turn ends', () => {
    for (let count = 0; count < 5; count++) request('a', `a${count}`, 'x'.repeat(60_000));
    expect(sent).toEqual(['test.mail.a: a0 a1 a2']);
    accumulator.flush();
    expect(sent).toEqual(['test.mail.a: a0 a1 a2', 'test.mail.a: a3 a4']);
    inFlight.failAll();
  });

  it('fails the requests of a batch that the connection does not take', async () => {
    connected = false;
    request('a', 'a1');
    await turn();
    expect([outcomes, inFlight.waiting]).toEqual([['unavailable'], 0]);
  });

  it('drops everything on reset, fails the requests and restarts the sequence', async () => {
    request('a', 'a1');
    request('b', 'b1');
    accumulator.reset();
    expect(outcomes).toEqual(['unavailable', 'unavailable']);
    departed('x');
    accumulator.reset();
    await turn();
    expect(sent).toEqual([]);
    departed('y');
    await turn();
    expect(sent).toEqual(['test.all 1: y']);
  });
});
