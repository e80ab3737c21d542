import { describe, expect, it } from 'vitest';
import { adapted } from '../support/fronts-document.js';

describe('a configuration of docs/fronts.md, adapted for a test,', () => {
  it('has a port that begins with a replaced one', () => {
    const printed = 'bind :443\nserver 127.0.0.1:3000\n';
    const places = { '127.0.0.1:3000': '127.0.0.1:44300', ':443': '127.0.0.1:18063' };
    expect(adapted(printed, places)).toBe('bind 127.0.0.1:18063\nserver 127.0.0.1:44300\n');
  });

  it('must have each place', () => {
    expect(() => adapted('bind :443', { ':443': ':1', ':80': ':2' })).toThrow('docs/fronts.md has no ":80"');
  });
});
