import { describe, expect, it } from 'vitest';
import { ClaimRights, type Right } from '../../src/groups/claim-rights.js';

const RIGHTS = ['join', 'send', 'see'] as const satisfies readonly Right[];

/** Returns the rights that a claim grants for a target, separated by spaces. */
function rightsOf(claim: unknown, target: string): string {
  const rights = new ClaimRights(claim);
  return RIGHTS.filter((right) => rights.has(target, right)).join(' ');
}

describe('the claim switchboard', () => {
  const claim = {
    rooms: { 'project.*': ['join', 'send', 'see'], 'project.7': ['see'], 'project.7*': ['join'], news: ['join'] },
    users: { '*': ['send', 'see'], bob: [], 'b*': ['see'] },
  };

  it.each([
    ['#project.1', 'join send see'],
    ['#project.', 'join send see'],
    ['#project', ''],
    ['#project.7', 'see'],
    ['#project.70', 'join'],
    ['#news', 'join'],
    ['#newspaper', ''],
    ['#NEWS', ''],
    ['@ann', 'send see'],
    ['@änn', 'send see'],
    ['@bob', ''],
    ['@bobby', 'see'],
    ['@news', 'send see'],
  ])('grants by the longest name that matches: %s', (target, granted) => {
    expect(rightsOf(claim, target)).toBe(granted);
    expect(new ClaimRights(claim).problem).toBeUndefined();
  });

  it('prefers a whole name to a beginning of the same length', () => {
    expect(rightsOf({ rooms: { 'news*': ['see'], news: ['join'] } }, '#news')).toBe('join');
    expect(rightsOf({ rooms: { 'news*': ['see'] } }, '#news')).toBe('see');
  });

  it('answers the same for a target that was asked about before, also after many others', () => {
    const rights = new ClaimRights({ rooms: { '*': ['see'], r7: ['join'] } });
    const ask = (): boolean[] => [rights.has('#r7', 'join'), rights.has('#r7', 'see'), rights.has('#r8', 'see')];
    expect(ask()).toEqual([true, false, true]);
    expect(ask()).toEqual([true, false, true]);
    for (let room = 0; room < 1000; room++) expect(rights.has(`#room.${room}`, 'see')).toBe(true);
    expect(ask()).toEqual([true, false, true]);
  });

  it.each<[string, unknown, string]>([
    ['no object', 'all', 'it must be an object'],
    ['null', null, 'it must be an object'],
    ['a list', [{ rooms: { '*': ['join'] } }], 'it must be an object'],
    ['rooms that are a list', { rooms: ['*'] }, 'rooms must be an object'],
    ['rooms that are a text', { rooms: '*' }, 'rooms must be an object'],
    ['an unknown right', { rooms: { '*': ['join', 'own'] } }, 'rooms["*"] must be a list of join, send, see'],
    ['a text instead of a list', { rooms: { '*': 'join' } }, 'rooms["*"] must be a list'],
    ['an object instead of a list', { rooms: { '*': { 0: 'join', length: 1 } } }, 'rooms["*"] must be a list'],
    ['an inherited name as a right', { rooms: { '*': ['toString'] } }, 'rooms["*"] must be a list'],
    ['a list that is too long', { rooms: { '*': Array(17).fill('join') } }, 'rooms["*"] must be a list'],
    ['a misspelt part', { room: { '*': ['join'] } }, '"room" is neither rooms nor users'],
    ['a name with its #', { rooms: { '#garden': ['join'] } }, 'rooms has "#garden", which is no name of a room'],
    ['a * in the middle', { rooms: { 'gar*en': ['join'] } }, 'rooms has "gar*en"'],
    ['an empty name', { rooms: { '': ['join'] } }, 'rooms has ""'],
  ])('grants nothing where it has %s, and describes it', (_, malformed, problem) => {
    expect(rightsOf(malformed, '#garden')).toBe('');
    expect(new ClaimRights(malformed).problem).toContain(problem);
  });

  it('has no right to join a user', () => {
    expect(rightsOf({ users: { ann: ['join', 'see'] } }, '@ann')).toBe('');
    expect(rightsOf({ users: { ann: ['see'] }, rooms: 1 }, '@ann')).toBe('see');
  });

  it('grants nothing of a malformed entry, which hides shorter ones, and all of the others', () => {
    const mixed = { rooms: { '*': ['join'], 'secret.*': 'none', a: ['see'] }, users: 'none' };
    expect(rightsOf(mixed, '#secret.1')).toBe('');
    expect(rightsOf(mixed, '#secret')).toBe('join');
    expect(rightsOf(mixed, '#a')).toBe('see');
    expect(new ClaimRights(mixed).problem).toBe(
      'rooms["secret.*"] must be a list of join, send, see; users must be an object of names and rights',
    );
  });

  it('describes three problems, and counts the others', () => {
    const rooms = Object.fromEntries(Array.from({ length: 9 }, (_, number) => [`${'r'.repeat(100)}${number}`, 1]));
    const { problem } = new ClaimRights({ rooms });
    expect(problem).toMatch(/; and 6 more$/);
    expect(problem).not.toContain('r'.repeat(65));
  });

  it('is safe from names of the prototype', () => {
    const parsed: unknown = JSON.parse(
      '{"rooms":{"__proto__":["join"],"constructor":["see"]},"users":{"__proto__":["send"]},"__proto__":{"rooms":{"*":["join"]}}}',
    );
    expect(rightsOf(parsed, '#__proto__')).toBe('join');
    expect(rightsOf(parsed, '#constructor')).toBe('see');
    expect(rightsOf(parsed, '#toString')).toBe('');
    expect(rightsOf(parsed, '@__proto__')).toBe('send');
    expect(rightsOf(parsed, '#garden')).toBe('');
    expect(rightsOf(Object.create({ rooms: { '*': ['join'] } }), '#garden')).toBe('');
  });

  it('is read up to 1,000 names, and grants nothing with more', () => {
    const rooms = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, number) => [`r${number}`, ['join']]));
    expect(rightsOf({ rooms: rooms(1000) }, '#r999')).toBe('join');
    const more = { rooms: rooms(999), users: { ann: ['see'], bob: ['see'] } };
    expect(rightsOf(more, '#r1')).toBe('');
    expect(new ClaimRights(more).problem).toBe('it has 1001 entries; at most 1000 are read');
    expect(rightsOf({ ...rooms(1001), rooms: { '*': ['join'] } }, '#r1')).toBe('');
  });
});
