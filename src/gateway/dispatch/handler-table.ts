import { Injectable, type LoggerService, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { MessageAccess } from '../../messaging/message-access.js';
import { hashText, isReserved } from '../../protocol/index.js';

/** One `@SubscribeMessage` handler of one socket; guards, pipes, interceptors and filters run inside. */
export type MessageHandlerCallback = (data: unknown, type: string) => Promise<unknown>;

/**
 * Maps each message type that a gateway claims to the index of its callback in `GatewaySocket.handlers`. Indexes are
 * registered once, because Nest binds the gateways to every socket in the same order. Knows by the hash of a type too,
 * whether messages of the type are routed without a check.
 */
@Injectable()
export class HandlerTable implements OnApplicationBootstrap {
  readonly #indexes = new Map<string, number>();
  /** Hashes of the types that handlers claim, and of the types that are checked. */
  readonly #hashes = new Set<number>();
  readonly #types: string[] = [];
  readonly #texts = new Set<string>();
  readonly #logger: LoggerService = new Logger(HandlerTable.name);
  /** Whether no hash decides, because messages of any type may be checked. Written before the server listens. */
  #checksAllTypes = false;

  constructor(private readonly access: MessageAccess) {}

  /** Takes over the checked types, which are complete once all modules are initialized. */
  onApplicationBootstrap(): void {
    const types = this.access.checkedTypes;
    if (types === 'all') this.#checksAllTypes = true;
    else for (const type of types) this.#hashes.add(hashText(type));
  }

  /** Registers the type of the handler at an index; does nothing for an index that is registered already. */
  register(index: number, type: string): void {
    if (index < this.#types.length) return;
    this.#types.push(type);
    if (isReserved(type)) this.#logger.error(`handler of a reserved type is never called: "${type}"`);
    else if (this.#indexes.has(type)) this.#logger.error(`second handler of a type is never called: "${type}"`);
    else {
      this.#indexes.set(type, index);
      this.#hashes.add(hashText(type));
    }
  }

  /** Lets the handler of a type take the text of the body, which is then not parsed. */
  takeText(type: string): void {
    this.#texts.add(type);
  }

  /** Returns whether the handler of a type takes the text of the body. */
  takesText(type: string): boolean {
    return this.#texts.size > 0 && this.#texts.has(type);
  }

  /** Returns the index of a type's handler, `undefined` where no handler claims the type. */
  index(type: string): number | undefined {
    return this.#indexes.get(type);
  }

  /** Returns whether messages of a type that no handler claims are routed without a check. */
  isOpen(type: string): boolean {
    return this.access.isOpen(type);
  }

  /**
   * Returns `true` where no handler claims a type of this hash, and {@link isOpen} is `true`; `false` where the type itself
   * decides.
   */
  definitelyOpen(typeHash: number): boolean {
    return !this.#hashes.has(typeHash) && !this.#checksAllTypes;
  }
}
