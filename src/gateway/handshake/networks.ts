import { BlockList, isIP } from 'node:net';

const DOT = 0x2e;
const ZERO = 0x30;

interface Ipv4Network {
  readonly bits: number;
  readonly mask: number;
}

/** A set of addresses and networks, IPv4 and IPv6. */
export class Networks {
  /** Compared here, because a `BlockList` takes as long for a check as all other checks of a handshake together. */
  readonly #ipv4: Ipv4Network[] = [];
  readonly #ipv6 = new BlockList();
  #hasIpv6 = false;

  /** @param networks such as `10.0.0.1`, `10.0.0.0/8` or `fc00::/7`; checked before */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', length] = network.split('/');
      if (isIP(address) === 4) this.#ipv4.push(ipv4Network(address, Number(length ?? 32)));
      else {
        this.#ipv6.addSubnet(address, Number(length ?? 128), 'ipv6');
        this.#hasIpv6 = true;
      }
    }
  }

  /** Returns whether an address is in one of the networks; `false` for a text that is no address. */
  has(address: string): boolean {
    if (address.includes(':')) return this.#hasIpv6 && isIP(address) === 6 && this.#ipv6.check(address, 'ipv6');
    if (this.#ipv4.length === 0 || isIP(address) !== 4) return false;
    const addressBits = ipv4Bits(address);
    return this.#ipv4.some(({ bits, mask }) => (addressBits & mask) === bits);
  }
}

function ipv4Network(address: string, length: number): Ipv4Network {
  const mask = length === 0 ? 0 : -1 << (32 - length); // a shift by 32 would shift by 0
  return { bits: ipv4Bits(address) & mask, mask };
}

/** @param address a valid IPv4 address */
function ipv4Bits(address: string): number {
  let bits = 0;
  let byte = 0;
  for (let index = 0; index < address.length; index++) {
    const character = address.charCodeAt(index);
    if (character !== DOT) byte = byte * 10 + character - ZERO;
    else {
      bits = (bits << 8) | byte;
      byte = 0;
    }
  }
  return (bits << 8) | byte;
}
