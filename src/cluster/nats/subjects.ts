/** The NATS subjects of one cluster. */
export class Subjects {
  constructor(private readonly prefix: string) {}

  /** The subject of all nodes: events, heartbeats, snapshots. */
  get all(): string {
    return `${this.prefix}.all`;
  }

  /** Subjects that a node subscribes to as soon as it is connected. */
  from(nodeId: string): readonly string[] {
    return [this.all, this.control(nodeId), this.receipt(nodeId, '*')];
  }

  /** The subject of one node for snapshots, RPCs and `fenced`. */
  control(nodeId: string): string {
    return `${this.prefix}.to.${nodeId}`;
  }

  /** The subject of one node for batches. The node subscribes to it while it is joined. */
  deliveries(nodeId: string): string {
    return `${this.prefix}.mail.${nodeId}`;
  }

  /** The subject of a batch's receipt. NATS itself replies there where no node subscribes to the batch's subject. */
  receipt(nodeId: string, number: number | '*'): string {
    return `${this.prefix}.receipt.${nodeId}.${number}`;
  }

  /** Returns the number of the batch from its receipt subject. */
  numberOf(receipt: string): number {
    return Number(receipt.slice(receipt.lastIndexOf('.') + 1));
  }
}
