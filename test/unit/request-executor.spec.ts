import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ClusterDelegate, DeliveryOutcome, GroupReceipt } from '../../src/cluster/backplane.js';
import { Clock } from '../../src/cluster/clock.js';
import type { JoinState } from '../../src/cluster/membership/join-state.js';
import type { Member } from '../../src/cluster/membership/member.js';
import { RequestExecutor } from '../../src/cluster/membership/request-executor.js';
import { InFlight } from '../../src/cluster/nats/in-flight.js';
import type { NodePublisher } from '../../src/cluster/nats/node-publisher.js';
import { NODE_VERSION, type Receipt, type Request, type RequestOutcome } from '../../src/cluster/wire/node-message.js';
import { textFrame } from '../../src/protocol/index.js';
import { Log } from '../../src/telemetry/log.js';

const log = new Log({ logLevel: 'error', logFormat: 'text' });
const clock = new Clock(log);
const frame = textFrame('{}');

/** Sessions of this node by their ids, and what a message to each results in. */
const OUTCOMES: Readonly<Record<string, DeliveryOutcome>> = {
  open: undefined,
  away: 'held',
  full: 'receiver_overloaded',
};
const RECEIPT: GroupReceipt = { delivered: 1, skipped: 2, held: 3 };
const ITEMS: readonly Request[] = [
  ...Object.keys(OUTCOMES).map((receiver) => ({ type: 'message', sender: 's', receiver, frame }) as const),
  { type: 'groupMessage', sender: 's', receiver: '#garden', frame },
];

/** Executes the items for a node of a version, and returns the receipt. */
function receiptFor(version: number): Receipt {
  const receipts: Receipt[] = [];
  const delegate: Partial<ClusterDelegate> = {
    deliverLocal: (_, receiver) => OUTCOMES[receiver],
    deliverToGroup: () => RECEIPT,
  };
  const publisher: Partial<NodePublisher> = { receipt: (_, receipt) => void receipts.push(receipt) };
  const executor = new RequestExecutor(
    delegate as ClusterDelegate,
    { joined: true } as JoinState,
    publisher as NodePublisher,
    log,
    clock,
  );
  const member = { synced: true, clock: { maxAgeMs: () => 0 } } as unknown as Member;
  const head = { version, nodeId: 'abcdefgh', incarnation: 1, sentAtMs: 0 };
  executor.execute(member, head, { kind: 'batch', number: 5, maxAgeMs: 1, items: ITEMS }, 'reply');
  return receipts[0]!;
}

describe('the receipt of a batch', () => {
  it.each([NODE_VERSION, NODE_VERSION + 1])('names the messages that are held, for a node of version %i', (version) => {
    const counts = [[3, RECEIPT]];
    expect(receiptFor(version)).toEqual({
      kind: 'receipt',
      number: 5,
      refused: [[2, 'receiver_overloaded']],
      counts,
      held: [1],
    });
  });

  it('counts held messages as delivered for a node of version 3', () => {
    expect(receiptFor(3)).toEqual({
      kind: 'receipt',
      number: 5,
      refused: [[2, 'receiver_overloaded']],
      counts: [[3, { delivered: 4, skipped: 2 }]],
    });
  });

  it('settles each message with its own outcome', async () => {
    const inFlight = new InFlight(60_000, clock);
    const outcomes: [RequestOutcome, GroupReceipt | undefined][] = [];
    const callbacks = ITEMS.map(
      (_, index) =>
        (outcome: RequestOutcome, counts?: GroupReceipt): void =>
          void (outcomes[index] = [outcome, counts]),
    );
    inFlight.add(5, 'abcdefgh', callbacks, 10);
    inFlight.settle('abcdefgh', receiptFor(NODE_VERSION));
    await turn();
    expect(outcomes).toEqual([
      [undefined, undefined],
      ['held', undefined],
      ['receiver_overloaded', undefined],
      [undefined, RECEIPT],
    ]);
  });
});
