import { Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.filter.js';

const NAMES = 'switchboard:query-parameters';
const MAX_SHOWN_CHARACTERS = 64;

/** Names the query parameters of an endpoint; any other is refused by {@link QueryParametersGuard}. */
export const QueryParameters = (...names: readonly string[]): MethodDecorator => SetMetadata(NAMES, names);

/**
 * Refuses query parameters that an endpoint does not have, and those that come twice, because a request with a misspelt
 * parameter would be answered as if it had none.
 */
@Injectable()
export class QueryParametersGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const names = this.reflector.get<readonly string[] | undefined>(NAMES, context.getHandler());
    if (names !== undefined) checkQuery(context.switchToHttp().getRequest<IncomingMessage>().url, names);
    return true;
  }
}

/** @throws {Problem} 400 for a query parameter that is not one of `names`, or that comes twice */
export function checkQuery(url = '', names: readonly string[] = []): void {
  const at = url.indexOf('?');
  if (at < 0) return;
  const seen = new Set<string>();
  for (const name of new URLSearchParams(url.slice(at)).keys()) {
    if (!names.includes(name)) throw invalid(`There is no query parameter "${shown(name)}" here.`);
    if (seen.has(name)) throw invalid(`${name} must come once.`);
    seen.add(name);
  }
}

function invalid(detail: string): Problem {
  return new Problem(400, 'invalid_query', detail);
}

function shown(name: string): string {
  return name.length > MAX_SHOWN_CHARACTERS ? `${name.slice(0, MAX_SHOWN_CHARACTERS)}…` : name;
}
