import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeliveryFailure } from '../../src/cluster/backplane.js';
import { decodeMessage, finish } from '../../src/cluster/wire/node-codec.js';
import { BatchAccumulator } from '../../src/cluster/nats/batch-accumulator.js';
import { textFrame } from '../../src/protocol/index.js';

describe('what a node says in a turn', () => {
  let said: string[];
  let answers: (DeliveryFailure | undefined)[];
  let batchAccumulator: BatchAccumulator;

  beforeEach(() => {
    said = [];
    answers = [];
    batchAccumulator = new BatchAccumulator({
      origin: { nodeId: 'abcdefgh', incarnation: 1 },
      maxAgeMs: 1000,
      batch: (number, part, bytes, waiting) => {
        const { message } = decodeMessage(finish(bytes));
        const items = message.kind === 'batch' && message.number === number ? message.items : [];
        said.push(`${part}: ${items.map((item) => item?.receiver).join(' ')}`);
        for (const answer of waiting) answer(undefined);
      },
      events: (bytes) => {
        const { message } = decodeMessage(finish(bytes));
        if (message.kind !== 'news') return;
        const items = message.items.map((item) => (item.type === 'departed' ? item.id : item.type));
        said.push(`${message.sequence}: ${items.join(' ')}`);
      },
    });
  });

  const ask = (part: string, receiver: string, text = '{}'): void =>
    batchAccumulator.addRequest(part, { type: 'message', sender: 's', receiver, frame: textFrame(text) }, (refusal) =>
      answers.push(refusal),
    );
  const left = (id: string): void => batchAccumulator.addEvent({ type: 'departed', id, code: 1000 });

  it('leaves at its end, one batch for each node', async () => {
    ask('a', 'a1');
    ask('b', 'b1');
    ask('a', 'a2');
    expect(said).toEqual([]);
    expect(batchAccumulator.waiting).toBe(3);
    await turn();
    expect(said).toEqual(['a: a1 a2', 'b: b1']);
    expect(batchAccumulator.waiting).toBe(0);
  });

  it('leaves in the order it was said where some of it is for all', async () => {
    left('x');
    left('y');
    ask('a', 'a1');
    ask('b', 'b1');
    left('z');
    ask('a', 'a2');
    await turn();
    expect(said).toEqual(['1: x y', 'a: a1', 'b: b1', '2: z', 'a: a2']);
  });

  it('leaves early where it is long', () => {
    for (let count = 0; count < 5; count++) ask('a', `a${count}`, 'x'.repeat(60_000));
    expect(said).toEqual(['a: a0 a1 a2']);
    batchAccumulator.flush();
    expect(said).toEqual(['a: a0 a1 a2', 'a: a3 a4']);
  });

  it('is never said once the link is gone, and who asked is told', async () => {
    ask('a', 'a1');
    ask('b', 'b1');
    batchAccumulator.reset();
    expect(answers).toEqual(['unavailable', 'unavailable']);
    left('x');
    batchAccumulator.reset();
    await turn();
    expect(said).toEqual([]);
    left('y');
    await turn();
    expect(said).toEqual(['1: y']);
  });
});
