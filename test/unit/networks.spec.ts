import { describe, expect, it } from 'vitest';
import { Networks } from '../../src/gateway/handshake/networks.js';

describe('a set of networks', () => {
  it.each([
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0', '::ffff:10.0.0.1']],
    ['172.16.9.9/12', ['172.16.0.0', '172.31.255.255'], ['172.15.255.255', '172.32.0.0']],
    ['192.168.0.4/31', ['192.168.0.4', '192.168.0.5'], ['192.168.0.3', '192.168.0.6']],
    ['255.255.255.255', ['255.255.255.255'], ['255.255.255.254', '127.255.255.255']],
    ['128.0.0.0/1', ['128.0.0.0', '255.255.255.255'], ['127.255.255.255', '0.0.0.0']],
    ['0.0.0.0/0', ['0.0.0.0', '255.1.2.3'], ['::', '1.2.3', '1.2.3.4.5', '01.2.3.4', '', 'x', 'unix:']],
    ['fc00::/7', ['fc00::', 'fdff::1'], ['fbff::1', 'fe00::', '1.2.3.4', 'fc00::x', ':']],
    ['2001:db8::1', ['2001:db8::1'], ['2001:db8::2', '0.0.0.1']],
  ])('of %s has %j and not %j', (network, inside, outside) => {
    const networks = new Networks(['203.0.113.7', network, '2001:db8:ffff::/48']);
    expect(inside.filter((address) => !networks.has(address))).toEqual([]);
    expect(outside.filter((address) => networks.has(address))).toEqual([]);
  });

  it('has no address where there is no network', () => {
    const networks = new Networks([]);
    expect(['0.0.0.0', '::', ''].filter((address) => networks.has(address))).toEqual([]);
  });
});
