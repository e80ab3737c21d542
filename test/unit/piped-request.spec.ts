import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { pipedRequest, type ClientFacts } from '../../src/gateway/returns/piped-request.js';

const CLIENT: ClientFacts = { address: '192.0.2.1', isSecure: true, hasCertificate: false };
const HEADERS = [
  ['Host', 'chat.example.com'],
  ['Connection', 'keep-alive, Upgrade'],
  ['Upgrade', 'WebSocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
];

/** Makes the lines of the request that another node gets, without the empty one. */
function lines(more: readonly (readonly string[])[], client: Partial<ClientFacts> = {}): string[] {
  const rawHeaders = [...HEADERS, ...more].flat();
  const request = { url: '/wss?room=1', rawHeaders } as IncomingMessage;
  const text = pipedRequest(request, 'PASS', { ...CLIENT, ...client }).toString('latin1');
  expect(text.endsWith('\r\n\r\n')).toBe(true);
  return text.slice(0, -4).split('\r\n');
}

describe('a piped request', () => {
  it('has the target and the headers of the client, and the pass', () => {
    expect(lines([['Cookie', 'a=1']])).toEqual([
      'GET /wss?room=1 HTTP/1.1',
      'Host: chat.example.com',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Cookie: a=1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'X-Forwarded-Proto: https',
      'X-Forwarded-For: 192.0.2.1',
      'X-Real-IP: 192.0.2.1',
      'Switchboard-Pass: PASS',
    ]);
  });

  it('has no pass of the client', () => {
    const passes = lines([
      ['Switchboard-Pass', 'FORGED'],
      ['SWITCHBOARD-PASS', 'FORGED'],
    ]).filter((line) => /pass/i.test(line));
    expect(passes).toEqual(['Switchboard-Pass: PASS']);
  });

  it.each([
    ['X-Forwarded-For', '203.0.113.9'],
    ['X-Real-IP', '203.0.113.9'],
    ['Forwarded', 'for=203.0.113.9'],
    ['X-Forwarded-Proto', 'gopher'],
    ['X-Proxy-Secret', 'secret'],
    ['X-Client-Certificate', 'forged'],
    ['Keep-Alive', 'timeout=5'],
  ])('has no %s of the client', (name, value) => {
    expect(lines([[name, value]]).join('\n')).not.toContain(value);
  });

  it('keeps a certificate that a proxy has verified', () => {
    expect(lines([['X-Client-Certificate', 'verified']], { hasCertificate: true })).toContain(
      'X-Client-Certificate: verified',
    );
  });

  it('names no address where the proxy has sent none', () => {
    expect(
      lines([], { address: 'unix:', isSecure: false }).filter((line) => /^x-(real|forwarded)/i.test(line)),
    ).toEqual(['X-Forwarded-Proto: http']);
  });

  it('keeps bytes beyond ASCII and repeated headers', () => {
    const more = [
      ['X-Name', 'J\u00fcrgen'],
      ['X-Name', 'Ann'],
    ];
    expect(lines(more).filter((line) => line.startsWith('X-Name'))).toEqual(['X-Name: J\u00fcrgen', 'X-Name: Ann']);
  });
});
