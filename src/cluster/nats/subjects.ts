/** The NATS subjects of one cluster. */
export class Subjects {
  constructor(private readonly prefix: string) {}

  /** The subject of all nodes: events, heartbeats, snapshots. */
  get all(): string {
    return `${this.prefix}.all`;
  }

  /** Subjects that a node subscribes to. */
  from(nodeId: string): readonly string[] {
    return [this.all, this.control(nodeId), this.deliveries(nodeId), this.receipt(nodeId, '*')];
  }

  /** Whether a subject is that of all nodes, or one of this node alone. */
  concerns(subject: string, nodeId: string): boolean {
    return subject === this.all || subject.split('.')[2] === nodeId;
  }

  /** Returns the pattern of a subject for the permissions of NATS, such as `switchboard.mail.>`. */
  patternOf(subject: string): string {
    const tokens = subject.split('.');
    return tokens.length > 2 ? [...tokens.slice(0, 2), '>'].join('.') : subject;
  }

  /** The subject of one node for snapshots, RPCs and `fenced`. */
  control(nodeId: string): string {
    return `${this.prefix}.to.${nodeId}`;
  }

  /** The subject of one node for batches. */
  deliveries(nodeId: string): string {
    return `${this.prefix}.mail.${nodeId}`;
  }

  /** The subject of a batch's receipt; number 0 is that of a probe. NATS itself replies there where no node subscribes to the batch's subject. */
  receipt(nodeId: string, number: number | '*'): string {
    return `${this.prefix}.receipt.${nodeId}.${number}`;
  }

  /** Returns the number of the batch from its receipt subject. */
  numberOf(receipt: string): number {
    return Number(receipt.slice(receipt.lastIndexOf('.') + 1));
  }
}
