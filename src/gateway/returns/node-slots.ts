/** Handshakes to one node at a time. Fewer than the connections without a session that a node allows one address. */
const PER_NODE = 32;
/** Handshakes that wait for a slot, of all nodes. */
const MAX_WAITING = 1024;
/** Milliseconds that a handshake waits for its slot. */
const MAX_WAIT_MS = 2000;

/** The handshakes to one node. */
interface Slots {
  running: number;
  /** Functions that give the slot to a waiting handshake, in the order of their arrival. */
  readonly waiting: Set<() => void>;
}

/** Limits the handshakes to other nodes, because many clients may return in one moment. */
export class NodeSlots {
  readonly #byNode = new Map<string, Slots>();
  #waiting = 0;

  /** Runs a handshake when its node has a free slot. @returns `undefined` where the node has none in time */
  async run<T>(nodeId: string, handshake: () => Promise<T>): Promise<T | undefined> {
    const slots = this.#of(nodeId);
    if (slots.running < PER_NODE) slots.running++;
    else if (!(await this.#given(slots))) return undefined;
    try {
      return await handshake();
    } finally {
      const [next] = slots.waiting;
      if (next !== undefined) next();
      else if (--slots.running === 0) this.#byNode.delete(nodeId);
    }
  }

  #of(nodeId: string): Slots {
    let slots = this.#byNode.get(nodeId);
    if (slots === undefined) this.#byNode.set(nodeId, (slots = { running: 0, waiting: new Set() }));
    return slots;
  }

  /** Waits for the slot of a handshake that has ended. @returns `false` where none ends in time */
  async #given({ waiting }: Slots): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING) return false;
    this.#waiting++;
    return new Promise((resolve) => {
      const settle = (isGiven: boolean): void => {
        this.#waiting--;
        waiting.delete(give);
        clearTimeout(timer);
        resolve(isGiven);
      };
      const give = (): void => settle(true);
      const timer = setTimeout(() => settle(false), MAX_WAIT_MS);
      waiting.add(give);
    });
  }
}
