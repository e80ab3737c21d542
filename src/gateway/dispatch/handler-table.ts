import { Injectable } from '@nestjs/common';
import { hashText } from '../../protocol/index.js';

/** One `@SubscribeMessage` handler of one socket; guards, pipes, interceptors and filters run inside. */
export type MessageHandlerCallback = (data: unknown, type: string) => Promise<unknown>;

/**
 * Maps each message type that a gateway claims to the index of its callback in `GatewaySocket.handlers`. Complete before
 * the server listens.
 */
@Injectable()
export class HandlerTable {
  readonly #indexes = new Map<string, number>();
  readonly #hashes = new Set<number>();

  /** Number of claimed types. */
  get size(): number {
    return this.#indexes.size;
  }

  /** Registers the claimed types, which are valid and distinct, once at the start. */
  register(types: readonly string[]): void {
    for (const type of types) {
      this.#indexes.set(type, this.#indexes.size);
      this.#hashes.add(hashText(type));
    }
  }

  /** Returns the index of a type's handler, `undefined` where no handler claims the type. */
  index(type: string): number | undefined {
    return this.#indexes.get(type);
  }

  /** Returns `true` where no handler claims a type of this hash; `false` may be a hash collision. */
  definitelyUnclaimed(typeHash: number): boolean {
    return !this.#hashes.has(typeHash);
  }
}
