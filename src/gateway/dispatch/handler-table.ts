import { Injectable, type LoggerService, Logger } from '@nestjs/common';
import { hashText, isReserved } from '../../protocol/index.js';

/** One `@SubscribeMessage` handler of one socket; guards, pipes, interceptors and filters run inside. */
export type MessageHandlerCallback = (data: unknown, type: string) => Promise<unknown>;

/**
 * Which types the gateway classes claim, and where a socket keeps the callback of each. Nest binds every class anew for
 * each socket, always in the same order, so that a place is learned once and a socket needs only a list.
 */
@Injectable()
export class HandlerTable {
  readonly #places = new Map<string, number>();
  readonly #hashes = new Set<number>();
  readonly #types: string[] = [];
  readonly #logger: LoggerService = new Logger(HandlerTable.name);

  /** Learns the type of the handler at a place. */
  register(place: number, type: string): void {
    if (place < this.#types.length) return;
    this.#types.push(type);
    if (isReserved(type)) this.#logger.error(`the type "${type}" is the server's: its handler is never called`);
    else if (this.#places.has(type)) this.#logger.error(`two handlers claim "${type}": the second is never called`);
    else {
      this.#places.set(type, place);
      this.#hashes.add(hashText(type));
    }
  }

  /** Returns the place of a type's handler, `undefined` where none claims it. */
  index(type: string): number | undefined {
    return this.#places.get(type);
  }

  /** Tells from its hash alone that no handler claims a type; `false` is not yet a yes. */
  definitelyUnclaimed(typeHash: number): boolean {
    return !this.#hashes.has(typeHash);
  }
}
