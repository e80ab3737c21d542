import { describe, expect, it } from 'vitest';
import { NodeIdentity } from '../../src/node/node-identity.js';
import { EnvelopeScanner, IdTable, SESSION_ID_CHARACTERS, TEXT } from '../../src/protocol/index.js';
import { SessionIdGenerator } from '../../src/sessions/session-id-generator.js';

const MANY = 1000;

describe('the table of ids', () => {
  const generator = new SessionIdGenerator(new NodeIdentity());
  const scanner = new EnvelopeScanner();

  /** Scans a message to a receiver and returns the offset of the receiver. */
  function scanReceiver(receiver: string, before = ''): number {
    const bytes = Buffer.from(`{${before}"receiver":"${receiver}","type":"chat"}`);
    expect(scanner.scan(bytes, 0, bytes.length, 0)).toBe(true);
    return scanner.receiverStart;
  }

  it('holds ids of the generated length', () => {
    expect(generator.next()).toHaveLength(SESSION_ID_CHARACTERS);
  });

  it('finds each of many ids in a text, by comparison and by hash', () => {
    const table = new IdTable();
    const ids = Array.from({ length: MANY }, () => generator.next());
    const slots = ids.map((id) => table.add(id));
    expect(new Set(slots).size).toBe(MANY);
    for (const [index, id] of ids.entries()) {
      const at = scanReceiver(id, ' '.repeat(index % 5));
      expect(table.equalsAt(slots[index]!, at)).toBe(true);
      expect(table.equalsAt(slots[(index + 1) % MANY]!, at)).toBe(false);
      expect(table.hash(slots[index]!)).toBe(scanner.receiverHash);
    }
  });

  it('distinguishes ids that differ in any one character', () => {
    const table = new IdTable();
    const id = generator.next();
    const slot = table.add(id);
    for (let index = 0; index < id.length; index++) {
      const other = id.slice(0, index) + (id[index] === 'A' ? 'B' : 'A') + id.slice(index + 1);
      expect(table.equalsAt(slot, scanReceiver(other))).toBe(false);
      expect(scanner.receiverHash).not.toBe(table.hash(slot));
    }
  });

  it('computes no hash for a receiver that is not a session id', () => {
    for (const receiver of ['*', 'a', 'x'.repeat(SESSION_ID_CHARACTERS - 1), 'x'.repeat(SESSION_ID_CHARACTERS + 1)]) {
      const at = scanReceiver(receiver);
      expect(scanner.receiverHash).toBe(-1);
      expect(TEXT.toString('latin1', at, scanner.receiverEnd)).toBe(receiver);
    }
  });

  it('reuses the slots of removed ids', () => {
    const table = new IdTable();
    const slots = Array.from({ length: MANY }, () => table.add(generator.next()));
    for (const slot of slots) table.remove(slot);
    const again = Array.from({ length: MANY }, () => table.add(generator.next()));
    expect(new Set(again)).toEqual(new Set(slots));
  });
});
