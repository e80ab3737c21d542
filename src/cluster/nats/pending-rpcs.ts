import type { RpcResult } from '../backplane.js';
import type { CancelTimer, Clock } from '../clock.js';

/** RPCs without a response at a time; the next one is `unavailable` at once. */
const MAX_PENDING = 4096;

interface PendingRpc {
  readonly nodeId: string;
  readonly sentAtMs: number;
  readonly resolve: (result: RpcResult) => void;
}

/** RPCs of this node without a response. */
export class PendingRpcs {
  readonly #pending = new Map<number, PendingRpc>();
  #number = 0;

  constructor(
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves with the response of a node, or with `unavailable` where none comes in time.
   *
   * @param send sends the request of this number; any result but `undefined` is the result of the RPC
   */
  async call(nodeId: string, send: (number: number) => RpcResult | undefined): Promise<RpcResult> {
    if (this.#pending.size >= MAX_PENDING) return 'unavailable';
    const number = ++this.#number;
    let cancelTimeout: CancelTimer | undefined;
    const response = new Promise<RpcResult>((resolve) => {
      this.#pending.set(number, { nodeId, sentAtMs: this.clock.now(), resolve });
      cancelTimeout = this.clock.after(this.timeoutMs, () => resolve('unavailable'));
    });
    try {
      return send(number) ?? (await response);
    } finally {
      cancelTimeout?.();
      this.#pending.delete(number);
    }
  }

  /**
   * Settles an RPC with the response of its node.
   *
   * @returns the moment at which the request was sent; `undefined` for an RPC that has expired, or is another node's
   */
  settle(nodeId: string, number: number, result: RpcResult): number | undefined {
    const rpc = this.#pending.get(number);
    if (rpc?.nodeId !== nodeId) return undefined;
    rpc.resolve(result);
    return rpc.sentAtMs;
  }

  /** Fails the RPCs to a node that has left or is dead. The node may have executed them. */
  failNode(nodeId: string): void {
    for (const rpc of this.#pending.values()) if (rpc.nodeId === nodeId) rpc.resolve('unavailable');
  }

  /** Resolves every pending RPC with `unavailable`. */
  failAll(): void {
    for (const { resolve } of this.#pending.values()) resolve('unavailable');
  }
}
