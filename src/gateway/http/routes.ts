import { METHODS } from 'node:http';

/** A method and a path pattern that an application answers: `GET /docs/:name`. */
export interface Route {
  /** In capitals; `ALL` for every method. */
  readonly method: string;
  readonly path: string;
}

/** The part of an Express application that lists its routes. */
export interface RoutedApp {
  readonly router: { readonly stack: readonly Layer[] };
}

interface Layer {
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
}

/** How much of a route another route answers: all its requests, some, or none. */
type Overlap = 'all' | 'some' | 'none';

/** Lists the routes of an Express application. Middleware and patterns of `RegExp` are not routes. */
export function routesOf({ router }: RoutedApp): Route[] {
  return router.stack.flatMap(({ route }) => {
    if (route === undefined) return [];
    const paths = [route.path].flat().filter((path) => typeof path === 'string');
    const named = Object.keys(route.methods).map((method) => method.toUpperCase());
    const methods = METHODS.every((method) => named.includes(method)) ? ['ALL'] : named;
    return paths.flatMap((path) => methods.map((method) => ({ method, path })));
  });
}

/**
 * Returns how many requests of `route` the route `first` answers, which comes before. A wildcard of the application for the
 * whole path is never refused; endpoints come before it.
 */
export function overlap(first: Route, route: Route): Overlap {
  const [found, ...others] = new Set(variantsOf(route.path).map((path) => overlapOf(first, { ...route, path })));
  return others.length > 0 ? 'some' : found!;
}

/** Returns whether a route answers a request. @param path as the client wrote it, which is no pattern */
export function answers(route: Route, method: string, path: string): boolean {
  return overlapOf(route, { method, path }) === 'all';
}

function overlapOf(first: Route, route: Route): Overlap {
  if (first.method !== route.method && first.method !== 'ALL' && route.method !== 'ALL') return 'none';
  const [own, other] = [segmentsOf(first.path), segmentsOf(route.path)];
  let found: Overlap = first.method === 'ALL' || first.method === route.method ? 'all' : 'some';
  for (const [index, segment] of other.entries()) {
    const answering = own[index];
    if (answering?.startsWith('*')) return found;
    if (answering === undefined) return 'none';
    if (segment.startsWith('*')) return index === 0 ? 'none' : 'some';
    if (answering.startsWith(':') || answering === segment) continue;
    if (!segment.startsWith(':')) return 'none';
    found = 'some';
  }
  return own.length === other.length ? found : 'none';
}

/** Lists the paths that a pattern stands for, with and without each optional group: `/docs{/:name}`. */
function variantsOf(path: string): string[] {
  const group = /\{([^{}]*)\}/.exec(path);
  if (group === null) return [path];
  return ['', group[1]!].flatMap((each) => variantsOf(path.replace(group[0], () => each)));
}

/** Splits a path as Express matches it: in any case, with or without a slash at its end. */
function segmentsOf(path: string): string[] {
  return path.toLowerCase().split('/').filter(Boolean);
}
