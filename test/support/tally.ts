import type { Client } from './client.js';

/** What became of numbered messages: counted at the receivers, against what the senders had acknowledged. */
export interface Tally {
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly misordered: number;
}

/** Messages of the type `load`, whose ids are rising numbers, on all connections that there were. */
export function tallyOf(clients: readonly Client[]): Tally {
  const acknowledged = clients.flatMap(({ inbox }) =>
    inbox.filter(({ type }) => type === 'sys.ack').map(({ ref }) => Number(ref)),
  );
  const received = clients.map(({ inbox }) => inbox.filter(({ type }) => type === 'load').map(({ id }) => Number(id)));
  const unique = new Set(received.flat());
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((id) => !unique.has(id)).length,
    duplicated: received.flat().length - unique.size,
    misordered: received.reduce((sum, ids) => sum + ids.filter((id, at) => at > 0 && id < ids[at - 1]!).length, 0),
  };
}
