import { BlockList, isIP } from 'node:net';

/** A set of addresses and networks, IPv4 and IPv6. */
export class Networks {
  /** By family: one list would also compare IPv4 addresses with IPv6 networks. */
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  readonly #isEmpty: boolean;

  /** @param networks such as `10.0.0.1`, `10.0.0.0/8` or `fc00::/7`; checked before */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = familyOf(address);
      this.#lists[family].addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family);
    }
  }

  /** Returns whether an address is in one of the networks; `false` for a text that is no address. */
  has(address: string): boolean {
    if (this.#isEmpty || isIP(address) === 0) return false;
    const family = familyOf(address);
    return this.#lists[family].check(address, family);
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
