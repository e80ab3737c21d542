import { GATEWAY_OPTIONS, PORT_METADATA } from '@nestjs/websockets/constants.js';
import type { Settings } from '../../settings/settings.js';
import type { ExploredGateway, GatewayClass } from './gateway-explorer.js';

/** Names the replacement of an option of `@WebSocketGateway()`. Other options have no replacement. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  port: 'PORT',
  path: 'WS_PATH',
  namespace: 'message types',
  cors: 'ALLOWED_ORIGINS',
  maxPayload: 'MAX_MESSAGE_BYTES',
  maxHttpBufferSize: 'MAX_MESSAGE_BYTES',
  pingInterval: 'HEARTBEAT_MS',
  pingTimeout: 'HEARTBEAT_MS',
};
/** Options that decide about connections. Without them a connection would be open that the class means to refuse. */
const DECIDING = ['verifyClient', 'allowRequest'] as const;
const MAX_SHOWN_CHARACTERS = 80;

type Options = Readonly<Record<string, unknown>>;

/** Returns one line for each option that a gateway relies on and that is never called. */
export function refusedOptions(gateways: readonly ExploredGateway[]): string[] {
  return classesOf(gateways).flatMap((metatype) =>
    DECIDING.filter((name) => optionsOf(metatype)[name] !== undefined).map(
      (name) =>
        `${metatype.name}: the option ${name} would never be called; use AUTH, ALLOWED_ORIGINS or a ConnectGuard`,
    ),
  );
}

/** Returns one line for each class with options that have no effect, which names them and what to use instead. */
export function ignoredOptions(gateways: readonly ExploredGateway[], settings: Settings): string[] {
  return classesOf(gateways).flatMap((metatype) => {
    const ignored = Object.entries(optionsOf(metatype)).filter(([name, value]) => !isMet(name, value, settings));
    if (ignored.length === 0) return [];
    return [
      `${metatype.name}: gateway options have no effect, because all gateways share ${settings.wsPath}: ${ignored.map(describe).join(', ')}`,
    ];
  });
}

/** Returns one line for each class of another adapter that would never get a connection, because Switchboard takes all. */
export function takenPaths(classes: readonly GatewayClass[], { wsPath }: Settings): string[] {
  return [...new Set(classes)].flatMap((metatype) => {
    const { port, path } = optionsOf(metatype);
    if (port !== undefined || !isPath(path, wsPath)) return [];
    return [`${metatype.name}: the path ${wsPath} is that of Switchboard; choose another path, or another wsPath`];
  });
}

function classesOf(gateways: readonly ExploredGateway[]): GatewayClass[] {
  return [...new Set(gateways.map(({ metatype }) => metatype))];
}

function optionsOf(metatype: GatewayClass): Options {
  const port = Reflect.getMetadata(PORT_METADATA, metatype) as unknown;
  const options = Reflect.getMetadata(GATEWAY_OPTIONS, metatype) as unknown;
  // Nest takes any first argument that is no whole number for options, so that a port may come as a text.
  if (typeof options !== 'object' || options === null) return { port: options };
  return { port: port === 0 ? undefined : port, ...options };
}

/** Returns whether the server does what an option asks for. */
function isMet(name: string, value: unknown, { port, wsPath }: Settings): boolean {
  if (value === undefined) return true;
  if (name === 'port') return value === port;
  if (name === 'path') return isPath(value, wsPath);
  if (name === 'transports') return Array.isArray(value) && value.length === 1 && value[0] === 'websocket';
  return false;
}

function isPath(value: unknown, path: string): boolean {
  return typeof value === 'string' && `/${value}`.replaceAll(/\/+/g, '/').replace(/\/$/, '') === path;
}

function describe([name, value]: [string, unknown]): string {
  const replacement = REPLACEMENTS[name];
  return `${name} ${shown(value)}${replacement === undefined ? '' : ` (use ${replacement})`}`;
}

function shown(value: unknown): string {
  if (value instanceof RegExp) return String(value);
  if (typeof value === 'function') return 'function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? `[${value.join(', ')}]` : 'object';
  return typeof value === 'string' ? JSON.stringify(value).slice(0, MAX_SHOWN_CHARACTERS) : String(value);
}
