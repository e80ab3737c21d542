import type { Client } from './client.js';

/** Counts of numbered messages, acknowledged at the senders against received at the receivers. */
export interface DeliveryCount {
  readonly acknowledged: number;
  /** Acknowledged and never received. */
  readonly lost: number;
  readonly duplicated: number;
  readonly misordered: number;
}

/** Counts messages of the type `load`, whose ids are rising numbers, on all given connections. */
export function countDeliveries(clients: readonly Client[]): DeliveryCount {
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
