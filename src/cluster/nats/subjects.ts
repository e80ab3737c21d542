/** The NATS subjects of one cluster. */
export class Subjects {
  constructor(private readonly prefix: string) {}

  /** What all nodes hear. */
  get all(): string {
    return `${this.prefix}.all`;
  }

  /** What a node hears from the first moment of a link. */
  from(part: string): readonly string[] {
    return [this.all, this.control(part), this.receipt(part, '*')];
  }

  /** What one node is told: snapshots, and that it was given up. */
  control(part: string): string {
    return `${this.prefix}.to.${part}`;
  }

  /** Batches for one node's sessions; heard only while the node knows who is where. */
  deliveries(part: string): string {
    return `${this.prefix}.mail.${part}`;
  }

  /** Where the receipt of a batch goes. NATS itself says there if nobody hears the batch. */
  receipt(part: string, number: number | '*'): string {
    return `${this.prefix}.receipt.${part}.${number}`;
  }

  /** The number of the batch that a receipt subject is for. */
  numberOf(receipt: string): number {
    return Number(receipt.slice(receipt.lastIndexOf('.') + 1));
  }
}
