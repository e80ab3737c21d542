import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { MessageAccess } from '../../messaging/message-access.js';
import { hashText, type EnvelopeScanner } from '../../protocol/index.js';
import type { Connection } from '../../sessions/connection.js';
import type { Session } from '../../sessions/session.js';

/**
 * Calls one `@SubscribeMessage` handler, with its guards, pipes, interceptors and filters. Returns a value, an observable
 * or `AwaitedValues`, or a promise of one of these where something must be awaited. Rejects with the error that the client
 * gets, whatever the filters made of it.
 */
export interface MessageHandlerCallback {
  (
    data: unknown,
    type: string,
    client: Connection | undefined,
    signal: AbortSignal | undefined,
    receiver: string | undefined,
  ): unknown;
  /** Whether the handler has a parameter with `@Abort()`. */
  readonly takesSignal?: boolean;
  /** Whether the handler takes the text of the body, which is then not parsed. */
  readonly takesText?: boolean;
}

/**
 * Maps each message type that a gateway claims to its handler. One handler serves all sockets. Knows by the hash of a type,
 * too, whether messages of the type are routed without a check.
 */
@Injectable()
export class HandlerTable implements OnApplicationBootstrap {
  readonly #handlers = new Map<string, MessageHandlerCallback>();
  /** Hashes of the types that handlers claim, and of the types that are checked. */
  readonly #hashes = new Set<number>();
  /** Whether no hash decides, because messages of any type may be checked. Written before the server listens. */
  #checksAllTypes = false;

  constructor(private readonly access: MessageAccess) {}

  /** Takes over the checked types, which are complete once all modules are initialized. */
  onApplicationBootstrap(): void {
    const types = this.access.checkedTypes;
    if (types === 'all') this.#checksAllTypes = true;
    else for (const type of types) this.#hashes.add(hashText(type));
  }

  /** Registers the handler of a type, which no other handler claims. */
  register(type: string, handler: MessageHandlerCallback): void {
    this.#handlers.set(type, handler);
    this.#hashes.add(hashText(type));
  }

  /** Returns the handler of a type, `undefined` where no handler claims the type. */
  handler(type: string): MessageHandlerCallback | undefined {
    return this.#handlers.get(type);
  }

  /** Returns whether a scanned message of a type that no handler claims is routed without a check. */
  isOpen(type: string, sender: Session, found: EnvelopeScanner): boolean {
    return this.access.isOpen(type) && this.access.allows(sender, found);
  }

  /**
   * Returns `true` where no handler claims the type of a scanned message, and {@link isOpen} is `true`; `false` where the
   * type itself, or the policy of the application, decides.
   */
  definitelyOpen(sender: Session, found: EnvelopeScanner): boolean {
    return !this.#hashes.has(found.typeHash) && !this.#checksAllTypes && this.access.allows(sender, found);
  }
}
