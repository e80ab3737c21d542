import type { DiscoveryService } from '@nestjs/core';
import { StartError } from '../settings/start-error.js';

export type Provider = ReturnType<DiscoveryService['getProviders']>[number];
/** An abstract class that the application may extend, and the token of the class that serves. */
type Extended = abstract new (...parameters: never[]) => object;

/**
 * Finds the provider by which an application extends the server: that of the token, or else the one subclass.
 *
 * @throws {StartError} where several providers are possible
 */
export function chosenProvider(providers: readonly Provider[], token: Extended): Provider | undefined {
  const [provider, other] = providers.filter((each) => each.token === token);
  if (provider === undefined) return onlySubclass(providers, token);
  const { name } = token;
  if (other !== undefined)
    refuse(`${name} of ${moduleOf(provider)}: ${moduleOf(other)} provides ${name}, too; provide it in one module`);
  return provider;
}

/** Returns whether one instance of a provider serves the whole application. */
export function isShared(provider: Provider): boolean {
  return provider.isDependencyTreeStatic() && !provider.isTransient;
}

/** Names the module of a provider, for the lines of a {@link StartError}. */
export function moduleOf({ host }: Provider): string {
  return host?.name ?? 'an unknown module';
}

/** @throws {StartError} with the line */
export function refuse(line: string): never {
  throw new StartError([line]);
}

function onlySubclass(providers: readonly Provider[], token: Extended): Provider | undefined {
  const found = providers.filter(
    ({ isAlias, metatype, instance }) =>
      !isAlias && [metatype?.prototype as unknown, instance as unknown].some((each) => each instanceof token),
  );
  const [provider, other] = found;
  if (other === undefined) return provider;
  const { name } = token;
  const all = found.map((each) => `${String(each.name)} of ${moduleOf(each)}`).join(' and ');
  return refuse(`${name}: ${all} extend it; add { provide: ${name}, useExisting: … } with the one that decides`);
}
