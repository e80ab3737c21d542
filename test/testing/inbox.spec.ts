import { expect, it } from 'vitest';
import { Inbox } from '../../src/testing/inbox.js';

it('an inbox holds at most 100,000 messages', () => {
  const inbox = new Inbox();
  const envelope = { type: 'a', sender: 'b', receiver: 'c', data: undefined };
  for (let count = 0; count < 100_000; count++) expect(inbox.add(envelope)).toBe(true);
  expect(inbox.add(envelope)).toBe(false);
});
