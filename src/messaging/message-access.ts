import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { MessageError, type Envelope, type EnvelopeScanner } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import type { AccessPolicy } from './access-policy.js';
import { chosenPolicy, wrongVerdict } from './chosen-policy.js';
import { RememberedAnswers } from './remembered-answers.js';
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
    private readonly answers: RememberedAnswers,
    { directMessages }: Settings,
  ) {
    this.#directMessages = directMessages;
  }

  /** @throws {StartError} where the policy of the application cannot be used */
  onModuleInit(): void {
    this.#policy = chosenPolicy(this.discovery);
  }

  /** The policy of the application, if there is one, once all modules are initialized. */
  get policy(): AccessPolicy | undefined {
    return this.#policy;
  }

  /** The types for which {@link isOpen} is `false`; `'all'` where no list of types decides. */
  get checkedTypes(): ReadonlySet<string> | 'all' {
    const { exact, prefixes } = this.reservedTypes;
    return !this.#directMessages || prefixes.length > 0 ? 'all' : exact;
  }

  /** Returns whether clients may send this type to receivers, where the policy does not refuse the message. */
  isOpen(type: string): boolean {
    return this.#directMessages && !this.reservedTypes.has(type);
  }

  /**
   * Returns whether {@link check} accepts the message that the scanner has just accepted without asking the policy, if the
   * type of the message {@link isOpen}.
   */
  allows(sender: Session, found: EnvelopeScanner): boolean {
    return this.#policy === undefined || this.answers.allows(sender, found);
  }

  /**
   * Checks a message of a client that no handler claims. Asks the policy once, unless its answer is remembered.
   *
   * @returns the receiver
   * @throws {MessageError} `reserved_type`, `unknown_type` or `forbidden`, in that order
   * @throws what the policy throws
   */
  check(sender: Session, { type, receiver, id }: Envelope): string {
    if (this.reservedTypes.has(type)) throw MessageError.of('reserved_type', id);
    if (receiver === undefined) throw MessageError.of('unknown_type', id);
    if (!this.#directMessages) throw new MessageError('forbidden', 'Sessions may not send messages to sessions.', id);
    if (this.#policy !== undefined && !this.#asks(this.#policy, sender, receiver, type))
      throw MessageError.of('forbidden', id);
    return receiver;
  }

  /** @throws {TypeError} for any other verdict than those of a policy, so that a promise never counts as `true` */
  #asks(policy: AccessPolicy, sender: Session, receiver: string, type: string): boolean {
    const remembered = this.answers.answer(sender, receiver);
    if (remembered !== undefined) return remembered === 'always';
    const verdict: unknown = policy.maySend(sender, receiver, type);
    if (typeof verdict === 'boolean') return verdict;
    if (verdict !== 'always' && verdict !== 'never') throw wrongVerdict(policy, 'maySend', verdict);
    this.answers.remember(sender, receiver, verdict);
    return verdict === 'always';
  }
}
