import { isReserved, MAX_TYPE_CHARACTERS, MESSAGE_TYPE, RESERVED_PREFIX } from '../../protocol/index.js';
import type { ExploredGateway } from './gateway-explorer.js';

const RULE = `a type is a string of 1 to ${MAX_TYPE_CHARACTERS} characters of A-Z a-z 0-9 . _ : -`;
const MAX_SHOWN_CHARACTERS = 80;

/**
 * Checks the types that all handlers claim. A wrong type would end the process at the first connection, or match no
 * message.
 *
 * @returns one line for each fault, which names class, method and rule
 */
export function checkClaims(gateways: readonly ExploredGateway[]): readonly string[] {
  const faults: string[] = [];
  /** The handler of each type. */
  const owners = new Map<string, string>();
  const modules = new Map<object, string>();
  for (const { metatype, provider, handlers } of gateways) {
    const module = provider.host?.name ?? '';
    const other = modules.get(metatype);
    if (other !== undefined && handlers.length > 0)
      faults.push(`${metatype.name} is provided by ${other} and by ${module}; provide a gateway once and export it`);
    if (other !== undefined) continue;
    modules.set(metatype, module);
    for (const { type, method } of handlers) {
      const handler = `${metatype.name}.${method}`;
      const fault = faultOf(type) ?? claimedTwice(type, owners.get(type));
      if (fault === undefined) owners.set(type, handler);
      else faults.push(`${handler} ${fault}`);
    }
  }
  return faults;
}

function claimedTwice(type: string, owner: string | undefined): string | undefined {
  return owner && `claims ${JSON.stringify(type)}, which ${owner} claims; a type has one handler`;
}

/** @param type may be any value, because Nest does not check the argument of its decorator */
function faultOf(type: unknown): string | undefined {
  if (typeof type !== 'string') return `claims a type that is ${shown(type)}; ${RULE}`;
  if (!MESSAGE_TYPE.test(type)) return `claims ${clipped(JSON.stringify(type))}; ${RULE}`;
  if (isReserved(type)) return `claims "${type}"; types that begin with "${RESERVED_PREFIX}" belong to the server`;
  return undefined;
}

function shown(value: unknown): string {
  if (value === undefined) return 'undefined, as an import circle leaves an enum';
  if (value === null) return 'null';
  const kind = Array.isArray(value) ? 'array' : typeof value;
  return `${/^[ao]/.test(kind) ? 'an' : 'a'} ${kind}${jsonOf(value)}`;
}

function jsonOf(value: unknown): string {
  try {
    return ` (${clipped(JSON.stringify(value))})`;
  } catch {
    return ''; // a circle, or a bigint
  }
}

function clipped(text: string | undefined): string {
  return text !== undefined && text.length > MAX_SHOWN_CHARACTERS
    ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…`
    : String(text);
}
