import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { MessageError, type Envelope } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { AccessPolicy } from './access-policy.js';
import { ReservedTypes } from './reserved-types.js';

type Provider = ReturnType<DiscoveryService['getProviders']>[number];

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

  /** @throws {Error} where the policy of the application cannot be used */
  onModuleInit(): void {
    this.#policy = policyOf(this.discovery.getProviders());
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

/** Returns the policy of the application, if there is one. @throws {Error} where there are several, or it cannot be used */
function policyOf(providers: readonly Provider[]): AccessPolicy | undefined {
  const [provider, ...others] = providers.filter(({ token }) => token === AccessPolicy);
  if (provider === undefined) return refuseUnused(providers);
  const place = `AccessPolicy of ${moduleOf(provider)}`;
  if (others.length > 0)
    throw new Error(`${place}: ${moduleOf(others[0]!)} provides AccessPolicy, too; provide it in one module`);
  if (provider.isTransient || !provider.isDependencyTreeStatic())
    throw new Error(`${place}: must not be request-scoped or transient, because one policy serves all sessions`);
  const { maySend } = (provider.instance ?? {}) as { maySend?: unknown };
  if (typeof maySend !== 'function') throw new Error(`${place}: must have a method maySend(session, receiver, type)`);
  if (maySend.constructor.name === 'AsyncFunction')
    throw new Error(`${place}: maySend must not be async; keep what it needs in memory, and return true or false`);
  return provider.instance as AccessPolicy;
}

/** @throws {Error} for a policy under a token of its own, because it would decide nothing */
function refuseUnused(providers: readonly Provider[]): undefined {
  const unused = providers.find(({ metatype, instance }) =>
    [metatype?.prototype as unknown, instance as unknown].some((each) => each instanceof AccessPolicy),
  );
  if (unused === undefined) return undefined;
  const { name } = (unused.instance as object).constructor;
  throw new Error(
    `${name} of ${moduleOf(unused)}: would not be asked; write { provide: AccessPolicy, useClass: ${name} }`,
  );
}

function moduleOf({ host }: Provider): string {
  return host?.name ?? 'an unknown module';
}
