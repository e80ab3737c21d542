import { createHash } from 'node:crypto';

/**
 * Returns the node that owns a key, by rendezvous hashing (Thaler and Ravishankar, 1998). Nodes that know the same node
 * ids agree, keys spread evenly, and few keys move when a node comes or goes.
 */
export function rendezvousOwner(nodeIds: readonly string[], key: string): string | undefined {
  let owner: string | undefined;
  let greatest = '';
  for (const nodeId of nodeIds) {
    const weight = createHash('sha256').update(`${nodeId}\n${key}`).digest('hex');
    if (weight > greatest) [owner, greatest] = [nodeId, weight];
  }
  return owner;
}
