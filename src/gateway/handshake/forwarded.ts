import type { IncomingHttpHeaders } from 'node:http';
import { isIP, SocketAddress } from 'node:net';

/** Hops that are read of one request, from the nearest outwards; no real chain of proxies is longer. */
const MAX_HOPS = 32;
/** An IPv4 address as a dual-stack socket shows it (RFC 4291, 2.5.5.2). */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;
/** `1.2.3.4:567`, `[::1]` or `[::1]:567`; some proxies append the port of the client. */
const WITH_PORT = /^(?:(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?)$/;
/** One pair of an element of `Forwarded` (RFC 7239, 4). Also values without quotes that have a colon or brackets. */
const PAIR = /\s*([\w!#$%&'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*(?:;|$)/y;

/** The client as the proxies in front report it. */
export interface ForwardedClient {
  /** `undefined` where no proxy names an address. */
  readonly address?: string | undefined;
  /** `undefined` where no proxy names `http`, `https`, `ws` or `wss`. */
  readonly isSecure?: boolean | undefined;
}

interface Hop {
  readonly address: string | undefined;
  readonly protocol?: string | undefined;
}

/**
 * Reads the headers of a trusted proxy: `X-Forwarded-For` and `X-Forwarded-Proto`; without the first `Forwarded`
 * (RFC 7239); without both `X-Real-IP`. Walks from the nearest hop outwards to the first address that is no trusted
 * proxy. A hop that is no address ends the walk, because any client may have sent it; the address before it counts then.
 *
 * @param isTrusted returns whether an address is that of a proxy that may report further hops
 */
export function forwardedClient(
  headers: IncomingHttpHeaders,
  isTrusted: (address: string) => boolean,
): ForwardedClient {
  const { 'x-forwarded-for': hops, 'x-real-ip': real, 'x-forwarded-proto': protocol, forwarded } = headers;
  const isSecure = secureProtocol(String(protocol ?? '').split(',', 1)[0]!);
  if (hops !== undefined) return { address: walk(addressHops(String(hops)), isTrusted).address, isSecure };
  if (forwarded === undefined) return { address: addressOf(String(real ?? '')), isSecure };
  const hop = walk(forwardedHops(forwarded), isTrusted);
  return { address: hop.address, isSecure: secureProtocol(hop.protocol ?? '') ?? isSecure };
}

/**
 * Returns the one spelling of an address (RFC 5952), without its zone; of an IPv4-mapped IPv6 address, however it is
 * spelt, the IPv4 one.
 */
export function plainAddress(address: string): string {
  if (!address.includes(':') || isIP(address) !== 6) return address;
  const canonical = new SocketAddress({ address: address.split('%')[0]!, family: 'ipv6' }).address;
  return MAPPED.exec(canonical)?.[1] ?? canonical;
}

/** Returns the outermost hop that a trusted proxy has reported, with the protocol that was reported last. */
function walk(hops: Iterable<Hop>, isTrusted: (address: string) => boolean): Hop {
  let outermost: Hop = { address: undefined };
  for (const { address, protocol = outermost.protocol } of hops) {
    outermost = { address: address ?? outermost.address, protocol };
    if (address === undefined || !isTrusted(address)) break;
  }
  return outermost;
}

function* addressHops(list: string): Generator<Hop> {
  let end = list.length;
  for (let count = 0; count < MAX_HOPS && end >= 0; count++) {
    const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1);
    yield { address: addressOf(list.slice(comma + 1, end)) };
    end = comma;
  }
}

/** Reads elements from the right, so that quotes that a client left open change nothing that a proxy wrote behind them. */
function* forwardedHops(list: string): Generator<Hop> {
  let end = list.length;
  for (let count = 0; count < MAX_HOPS && end >= 0; count++) {
    const comma = lastComma(list, end);
    yield elementHop(list.slice(comma + 1, end));
    end = comma;
  }
}

/** Finds the last comma before an index that is not in quotes; -1 where no comma is left. */
function lastComma(list: string, end: number): number {
  let isQuoted = false;
  for (let index = end - 1; index >= 0; index--) {
    if (list[index] === '"' && list[index - 1] !== '\\') isQuoted = !isQuoted;
    else if (list[index] === ',' && !isQuoted) return index;
  }
  return -1;
}

/** Reads one element such as `for="[2001:db8::1]:4711";proto=https`; of a malformed one nothing. */
function elementHop(element: string): Hop {
  const values = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < element.length) {
    const [, name, value] = PAIR.exec(element) ?? [];
    if (name === undefined || values.has(name.toLowerCase())) return { address: undefined };
    values.set(name.toLowerCase(), value!.replace(/^"|"$/g, '').replaceAll(/\\(.)/g, '$1'));
  }
  return { address: addressOf(values.get('for') ?? ''), protocol: values.get('proto') };
}

/** Reads an address with or without a port; `undefined` for any other text, also for an address with a zone. */
function addressOf(text: string): string | undefined {
  const trimmed = text.trim();
  const [, ipv4, ipv6] = WITH_PORT.exec(trimmed) ?? [];
  const address = ipv4 ?? ipv6 ?? trimmed;
  if (isIP(address) === 0 || address.includes('%') || (ipv6 !== undefined && isIP(ipv6) !== 6)) return undefined;
  return plainAddress(address);
}

function secureProtocol(protocol: string): boolean | undefined {
  const name = protocol.trim().toLowerCase();
  if (name === 'https' || name === 'wss') return true;
  return name === 'http' || name === 'ws' ? false : undefined;
}
