import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { MessageError, type Envelope } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { AccessPolicy } from './access-policy.js';
import { chosenProvider, isShared, moduleOf, refuse } from './chosen-provider.js';
import { ReservedTypes } from './reserved-types.js';

/**
 * Decides whether the message of a client may be routed: by the reserved types, `DIRECT_MESSAGES` and the `AccessPolicy`
 * of the application, in that order. Messages of server code are not checked.
 */
@Injectable()
export class MessageAccess implements OnModuleInit {
  readonly #directMessages: boolean;
  #policy: AccessPolicy | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly reservedTypes: ReservedTypes,
    { directMessages }: Settings,
  ) {
    this.#directMessages = directMessages;
  }

  /** @throws {StartError} where the policy of the application cannot be used */
  onModuleInit(): void {
    this.#policy = policyOf(this.discovery);
  }

  /** The types for which {@link isOpen} is `false`; `'all'` where no list of types decides. */
  get checkedTypes(): ReadonlySet<string> | 'all' {
    const { exact, prefixes } = this.reservedTypes;
    return this.#checksAllTypes || prefixes.length > 0 ? 'all' : exact;
  }

  /** Returns whether {@link check} accepts every message of this type that has a receiver. */
  isOpen(type: string): boolean {
    return !this.#checksAllTypes && !this.reservedTypes.has(type);
  }

  /**
   * Checks a message of a client that no handler claims. Asks the policy once.
   *
   * @returns the receiver
   * @throws {MessageError} `reserved_type`, `unknown_type` or `forbidden`, in that order
   * @throws what the policy throws
   */
  check(sender: Session, { type, receiver, id }: Envelope): string {
    if (this.reservedTypes.has(type)) throw MessageError.of('reserved_type', id);
    if (receiver === undefined) throw MessageError.of('unknown_type', id);
    if (!this.#directMessages) throw new MessageError('forbidden', 'Sessions may not send messages to sessions.', id);
    if (this.#policy !== undefined && !allows(this.#policy, sender, receiver, type))
      throw MessageError.of('forbidden', id);
    return receiver;
  }

  get #checksAllTypes(): boolean {
    return !this.#directMessages || this.#policy !== undefined;
  }
}

/** @throws {TypeError} for any other verdict than `true` and `false`, so that a promise never counts as `true` */
function allows(policy: AccessPolicy, sender: Session, receiver: string, type: string): boolean {
  const verdict: unknown = policy.maySend(sender, receiver, type);
  if (typeof verdict === 'boolean') return verdict;
  Promise.resolve(verdict).catch(() => undefined); // an unhandled rejection would end the process
  const shown = verdict instanceof Promise ? 'a promise' : String(verdict);
  throw new TypeError(`${policy.constructor.name}.maySend returned ${shown}; it must return true or false, at once`);
}

/** Returns the policy of the application, if there is one. @throws {StartError} where it cannot be used */
function policyOf(discovery: DiscoveryService): AccessPolicy | undefined {
  const provider = chosenProvider(discovery.getProviders(), AccessPolicy);
  if (provider === undefined) return undefined;
  const place = `AccessPolicy of ${moduleOf(provider)}`;
  if (!isShared(provider))
    refuse(`${place}: must not be request-scoped or transient, because one policy serves all sessions`);
  const { maySend } = (provider.instance ?? {}) as { maySend?: unknown };
  if (typeof maySend !== 'function') refuse(`${place}: must have a method maySend(session, receiver, type)`);
  if (maySend.constructor.name === 'AsyncFunction')
    refuse(`${place}: maySend must not be async; keep what it needs in memory, and return true or false`);
  return provider.instance as AccessPolicy;
}
