import { overlap, type Route } from '../gateway/http/routes.js';
import { SettingsError } from '../settings/environment.js';
import type { Settings } from '../settings/settings.js';
import type { Log } from '../telemetry/log.js';

/** Settings that turn an endpoint off, by its path below `HTTP_BASE`. */
const SWITCHES: readonly (readonly [path: RegExp, remedy: string])[] = [
  [/^\/?(console\/.*)?$/, 'CONSOLE=off'],
  [/^\/(docs.*|asyncapi\.json)$/, 'DOCS=off'],
];

/**
 * Refuses routes of the application that the server answers, because the application's would never be called. A route
 * with a parameter that loses single paths is only logged. `WS_PATH` must not hide an endpoint.
 *
 * @throws {SettingsError} with a line for each route
 */
export function refuseTakenRoutes(
  routes: readonly Route[],
  endpoints: readonly Route[],
  { endpointPrefix, wsPath }: Settings,
  log: Log,
): void {
  const webSocket: Route = { method: 'ALL', path: wsPath };
  const lines = new Set<string>();
  const hidden = endpoints.find((endpoint) => overlap(webSocket, endpoint) === 'all');
  if (hidden !== undefined)
    lines.add(`WS_PATH is a path of the server: choose another path, or set ${remedy(hidden, endpointPrefix)}`);
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    const taking = [webSocket, ...endpoints].filter((endpoint) => overlap(endpoint, route) !== 'none');
    const taken = taking.find((endpoint) => overlap(endpoint, route) === 'all');
    if (taken === webSocket) lines.add(`${name} of the application is WS_PATH: choose another path`);
    else if (taken !== undefined)
      lines.add(
        `${name} of the application is a path of the server: choose another path, or set ${remedy(taken, endpointPrefix)}`,
      );
    else if (taking.length > 0)
      log.warn('some paths of a route are answered by the server: set WS_PATH or HTTP_BASE to move them', {
        route: name,
        endpoints: taking.map(({ path }) => path).join(' '),
      });
  }
  if (lines.size > 0) throw new SettingsError([...lines]);
}

/** Names the settings that free a path. */
function remedy({ path }: Route, endpointPrefix: string): string {
  const below = path.slice(endpointPrefix.length);
  const off = SWITCHES.find(([pattern]) => pattern.test(below))?.[1];
  return off === undefined ? 'HTTP_BASE' : `HTTP_BASE or ${off}`;
}
