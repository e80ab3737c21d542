import { ConnectionCounter } from '../../limits/connection-counter.js';

/** Handshakes to one node at a time. Fewer than the connections without a session that a node allows one address. */
const PER_NODE = 32;
/** Handshakes that wait for a slot, of all nodes. */
const MAX_WAITING = 1024;
/** The share of one address, because a client costs a slot before its token is checked. */
const ADDRESS_SHARE = 1 / 4;
/** Milliseconds that a handshake waits for its slot. */
const MAX_WAIT_MS = 2000;

/** A handshake that waits for its slot. */
interface Waiting {
  /** The key under which limits count the address of the client. */
  readonly address: string;
  readonly give: () => void;
}

/** The handshakes to one node. */
interface Slots {
  running: number;
  /** Counts running handshakes by address. */
  readonly addresses: ConnectionCounter;
  /** Handshakes that wait, in the order of their arrival. */
  readonly waiting: Set<Waiting>;
}

/**
 * Limits the handshakes to other nodes, because many clients may return in one moment. One address gets a share of the slots
 * of a node; the other slots stay free for other addresses.
 */
export class NodeSlots {
  readonly #byNode = new Map<string, Slots>();
  #waiting = 0;
  /** Counts handshakes that wait, by address. */
  readonly #waitingAddresses = new ConnectionCounter(MAX_WAITING * ADDRESS_SHARE);

  /**
   * Runs a handshake when its node has a free slot.
   *
   * @param address the key under which limits count the address of the client
   * @returns `undefined` where the node has no slot for this address in time
   */
  async run<T>(nodeId: string, address: string, handshake: () => Promise<T>): Promise<T | undefined> {
    const slots = this.#of(nodeId);
    if (!take(slots, address) && !(await this.#given(slots, address))) return undefined;
    try {
      return await handshake();
    } finally {
      this.#release(nodeId, slots, address);
    }
  }

  #of(nodeId: string): Slots {
    let slots = this.#byNode.get(nodeId);
    if (slots !== undefined) return slots;
    slots = { running: 0, addresses: new ConnectionCounter(PER_NODE * ADDRESS_SHARE), waiting: new Set() };
    this.#byNode.set(nodeId, slots);
    return slots;
  }

  /** Waits for the slot of a handshake that has ended. @returns `false` where none ends in time */
  async #given({ waiting }: Slots, address: string): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING || !this.#waitingAddresses.acquire(address)) return false;
    this.#waiting++;
    return new Promise((resolve) => {
      const settle = (isGiven: boolean): void => {
        this.#waiting--;
        this.#waitingAddresses.release(address);
        waiting.delete(entry);
        clearTimeout(timer);
        resolve(isGiven);
      };
      const entry: Waiting = { address, give: () => settle(true) };
      const timer = setTimeout(() => settle(false), MAX_WAIT_MS);
      waiting.add(entry);
    });
  }

  /** Frees the slot of a handshake, and gives it to the first waiting one whose address is below its share. */
  #release(nodeId: string, slots: Slots, address: string): void {
    slots.running--;
    slots.addresses.release(address);
    for (const waiting of slots.waiting) if (take(slots, waiting.address)) return waiting.give();
    if (slots.running === 0) this.#byNode.delete(nodeId);
  }
}

/** Takes a slot; returns `false`, and takes none, where all are taken, or the share of the address. */
function take(slots: Slots, address: string): boolean {
  if (slots.running >= PER_NODE || !slots.addresses.acquire(address)) return false;
  slots.running++;
  return true;
}
