import { describe, expect, it } from 'vitest';
import { forwardedClient } from '../../src/gateway/handshake/forwarded.js';

/** Reads headers with 10.0.0.1 and 2001:db8:ffff::1 as trusted proxies. */
function read(headers: Record<string, string>): ReturnType<typeof forwardedClient> {
  return forwardedClient(headers, (address) => ['10.0.0.1', '2001:db8:ffff::1'].includes(address));
}

describe('the address of a client in X-Forwarded-For', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4:567', '1.2.3.4'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:65535', '2001:db8::1'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4, 10.0.0.1', '1.2.3.4'],
    ['6.6.6.6,1.2.3.4:1,[2001:db8:ffff::1]:443,10.0.0.1:80', '1.2.3.4'],
    ['10.0.0.1, 10.0.0.1', '10.0.0.1'],
    ['1.2.3.4, nonsense, 10.0.0.1', '10.0.0.1'],
    ['1.2.3.4, unknown', undefined],
    ['1.2.3.4, ', undefined],
    ['', undefined],
    ['fe80::1%eth0', undefined],
    ['[fe80::1%eth0]:80', undefined],
    ['[1.2.3.4]:80', undefined],
    ['1.2.3.4:', undefined],
    ['1.2.3.4:123456', undefined],
    ['2001:db8::1]:80', undefined],
    ['01.2.3.4', undefined],
    ['localhost', undefined],
    ["1.2.3.4' OR 1", undefined],
    [`1.2.3.4, ${'10.0.0.1,'.repeat(1000)} 10.0.0.1`, '10.0.0.1'],
    ['x'.repeat(10_000), undefined],
  ])('of %.40j is %s', (list, address) => {
    expect(read({ 'x-forwarded-for': list })).toEqual({ address, isSecure: undefined });
  });
});

describe('the client in Forwarded', () => {
  it.each([
    ['for=1.2.3.4', '1.2.3.4', undefined],
    ['For="1.2.3.4:567";Proto=HTTPS', '1.2.3.4', true],
    ['proto=http;by=10.0.0.9;for=1.2.3.4;host="a.example:8080"', '1.2.3.4', false],
    ['for="[2001:db8::1]:8080"', '2001:db8::1', undefined],
    ['for="[2001:db8::1]";secret="a,b;c=\\"d\\""', '2001:db8::1', undefined],
    ['for=[2001:db8::1]:80', '2001:db8::1', undefined],
    ['for=6.6.6.6;proto=http, for=1.2.3.4;proto=https, for=10.0.0.1;proto=http', '1.2.3.4', true],
    ['for=6.6.6.6;proto=http,for=1.2.3.4,for=10.0.0.1;proto=https', '1.2.3.4', true],
    ['for=6.6.6.6, for=unknown;proto=https, for=10.0.0.1', '10.0.0.1', true],
    ['for=6.6.6.6, for=_hidden', undefined, undefined],
    ['for="6.6.6.6, for=1.2.3.4', '1.2.3.4', undefined],
    ['for="a\\, for="[2001:db8::1]:1";proto=wss', '2001:db8::1', true],
    ['for=1.2.3.4;for=6.6.6.6', undefined, undefined],
    ['for=6.6.6.6, proto=https', undefined, true],
    ['for=6.6.6.6, ;;=', undefined, undefined],
    ['for="1.2.3.4', undefined, undefined],
    ['', undefined, undefined],
    ['for=1.2.3.4;'.repeat(2000), undefined, undefined],
    [`for=1.2.3.4, ${'for=10.0.0.1,'.repeat(1000)}for=10.0.0.1`, '10.0.0.1', undefined],
  ])('of %.60j is %s, secure: %s', (forwarded, address, isSecure) => {
    expect(read({ forwarded })).toEqual({ address, isSecure });
  });
});

describe('the headers of a proxy', () => {
  it('are X-Forwarded-For, without it Forwarded, and without both X-Real-IP', () => {
    const all = { 'x-forwarded-for': '1.1.1.1', 'x-real-ip': '3.3.3.3', forwarded: 'for=2.2.2.2;proto=https' };
    expect(read(all)).toEqual({ address: '1.1.1.1', isSecure: undefined });
    expect(read({ ...all, 'x-forwarded-for': 'unknown' }).address).toBeUndefined();
    expect(read({ 'x-real-ip': '3.3.3.3', forwarded: all.forwarded })).toEqual({ address: '2.2.2.2', isSecure: true });
    expect(read({ 'x-real-ip': '3.3.3.3' }).address).toBe('3.3.3.3');
  });

  it.each([
    ['https', true],
    ['WSS', true],
    ['https, http', true],
    ['http', false],
    ['ws', false],
    ['gopher', undefined],
    ['https-x', undefined],
    ['', undefined],
  ])('report the protocol %s as secure: %s', (protocol, isSecure) => {
    expect(read({ 'x-forwarded-proto': protocol }).isSecure).toBe(isSecure);
  });
});
