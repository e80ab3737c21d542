import { Injectable, type LoggerService, Logger } from '@nestjs/common';
import { hashText, isReserved } from '../../protocol/index.js';
import type { Connection } from '../../sessions/connection.js';

/**
 * Calls one `@SubscribeMessage` handler, with its guards, pipes, interceptors and filters. Resolves with a value, an
 * observable or `AwaitedValues`. Rejects with the error that the client gets, whatever the filters made of it.
 */
export interface MessageHandlerCallback {
  (data: unknown, type: string, client: Connection | undefined, signal: AbortSignal | undefined): Promise<unknown>;
  /** Whether the handler has a parameter with `@Abort()`. */
  readonly takesSignal?: boolean;
}

/** Maps each message type that a gateway claims to its handler. One handler serves all sockets. */
@Injectable()
export class HandlerTable {
  readonly #handlers = new Map<string, MessageHandlerCallback>();
  readonly #hashes = new Set<number>();
  readonly #logger: LoggerService = new Logger(HandlerTable.name);

  /** Registers the handler of a type. */
  register(type: string, handler: MessageHandlerCallback): void {
    if (isReserved(type)) this.#logger.error(`handler of a reserved type is never called: "${type}"`);
    else if (this.#handlers.has(type)) this.#logger.error(`second handler of a type is never called: "${type}"`);
    else {
      this.#handlers.set(type, handler);
      this.#hashes.add(hashText(type));
    }
  }

  /** Returns the handler of a type, `undefined` where no handler claims the type. */
  handler(type: string): MessageHandlerCallback | undefined {
    return this.#handlers.get(type);
  }

  /** Returns `true` where no handler claims a type of this hash; `false` may be a hash collision. */
  definitelyUnclaimed(typeHash: number): boolean {
    return !this.#hashes.has(typeHash);
  }
}
