import type { DiscoveryService } from '@nestjs/core';
import { AccessPolicy } from './access-policy.js';
import { chosenProvider, isShared, moduleOf, refuse } from './chosen-provider.js';

type Method = 'maySend' | 'mayJoin' | 'maySee' | 'maySendFromOutside';

interface MethodRules {
  /** Its parameters, for the lines of a `StartError`. */
  readonly parameters: string;
  /** The values that it may return, for the text of an error. */
  readonly verdicts: string;
  readonly isAsync: boolean;
}

const LATER = 'true or false, or a promise of one';
const METHODS: Readonly<Record<Method, MethodRules>> = {
  maySend: {
    parameters: 'session, receiver, type',
    verdicts: "true, false, 'always' or 'never', at once",
    isAsync: false,
  },
  mayJoin: { parameters: 'session, room', verdicts: LATER, isAsync: true },
  maySee: { parameters: 'session, target', verdicts: LATER, isAsync: true },
  maySendFromOutside: { parameters: 'session, room, type', verdicts: 'true or false, at once', isAsync: false },
};

/** Returns the policy of the application, if there is one. @throws {StartError} where the policy cannot be used */
export function chosenPolicy(discovery: DiscoveryService): AccessPolicy | undefined {
  const provider = chosenProvider(discovery.getProviders(), AccessPolicy);
  if (provider === undefined) return undefined;
  const place = `AccessPolicy of ${moduleOf(provider)}`;
  if (!isShared(provider))
    refuse(`${place}: must not be request-scoped or transient, because one policy serves all sessions`);
  const policy = (provider.instance ?? {}) as Record<Method, unknown>;
  for (const [name, { parameters, isAsync }] of Object.entries(METHODS)) {
    const method = policy[name as Method];
    if (method === undefined && name !== 'maySend') continue;
    if (typeof method !== 'function') refuse(`${place}: must have a method ${name}(${parameters})`);
    if (!isAsync && method.constructor.name === 'AsyncFunction')
      refuse(`${place}: ${name} must not be async; keep what it needs in memory, and return true or false`);
  }
  return provider.instance as AccessPolicy;
}

/** Returns the error of a policy that has returned a value which is no verdict, so that none of them counts as a yes. */
export function wrongVerdict(policy: AccessPolicy, method: Method, verdict: unknown): TypeError {
  Promise.resolve(verdict).catch(() => undefined); // an unhandled rejection would end the process
  const shown = verdict instanceof Promise ? 'a promise' : String(verdict);
  return new TypeError(
    `${policy.constructor.name}.${method} returned ${shown}; it must return ${METHODS[method].verdicts}`,
  );
}
