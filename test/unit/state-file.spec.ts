import { chmod, link, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFile } from '../../src/resume/state/state-file.js';
import {
  parseSession,
  STATE_VERSION,
  type RestorableSession,
  type SavedSession,
  type SessionSnapshot,
} from '../../src/resume/state/state-format.js';

const NODE_ID = 'abcdefgh';
const WINDOW_MS = 60_000;
const MAX_BYTES = 10_000_000;
const SOON = {
  maxAgeMs: WINDOW_MS,
  deadlineMs: Infinity,
  onLeftover: (error: Error): void => {
    throw error;
  },
};

/** A session with frames in two pieces, whose details have text of any kind. */
function snapshot(
  index: number,
  unseen: readonly Uint8Array[] = [Buffer.from('\x81\x02{}'), Buffer.from('\x81\x02[]')],
): SessionSnapshot {
  const saved: SavedSession = {
    id: `${NODE_ID}.${String(index).padStart(16, '0')}`,
    openedAtMs: 1_700_000_000_000 + index,
    identity: { address: '192.0.2.1', user: 'ännä\u2028', subject: undefined, claims: { role: 'x' }, expiresAt: 1 },
    awayMs: 12,
    code: 1012,
    resumption: { secret: Buffer.alloc(16, index).toString('base64url'), received: 3, seen: 4, reports: 1 },
    parts: { rooms: { rooms: ['garden'], byServer: [] } },
  };
  return { details: JSON.stringify(saved), unseen, unseenFrames: unseen.length };
}

describe('the file of saved sessions', () => {
  let folder: string;
  let file: StateFile;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-state-'));
    file = new StateFile(folder, MAX_BYTES);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = (sessions: number, savedAtMs = Date.now()): Promise<number> =>
    file.write(
      { savedAtMs, nodeId: NODE_ID, sessions },
      Array.from({ length: sessions }, (_, index) => snapshot(index)),
      SOON,
    );

  async function taken(): Promise<RestorableSession[]> {
    const state = await file.take(WINDOW_MS);
    const sessions: RestorableSession[] = [];
    for await (const line of state!.sessionLines()) sessions.push(parseSession(line, state!.header)!);
    return sessions;
  }

  /** Writes the file of three sessions, changes its text, and returns the reason why the file is refused. */
  async function refusal(change: (text: string) => string, sessions = 3): Promise<string> {
    await write(sessions);
    await writeFile(file.path, change(await readFile(file.path, 'latin1')), 'latin1');
    const reason = await file.take(WINDOW_MS).then(
      () => 'not refused',
      (error: Error) => error.message,
    );
    expect(await readdir(folder)).toEqual([]); // a refused file is removed, too
    return reason;
  }

  it('gives the next process all sessions, and is removed', async () => {
    const bytes = await write(3);
    expect((await stat(file.path)).size).toBe(bytes);
    const sessions = await taken();
    expect(await readdir(folder)).toEqual([]);
    expect(sessions.map(({ id }) => id)).toEqual(
      [0, 1, 2].map((index) => (JSON.parse(snapshot(index).details) as SavedSession).id),
    );
    expect(sessions[1]).toMatchObject({
      identity: { user: 'ännä\u2028', claims: { role: 'x' } },
      resumption: { received: 3, seen: 4, reports: 1 },
      parts: { rooms: { rooms: ['garden'] } },
      unseenFrames: 2,
      unseen: Buffer.from('\x81\x02{}\x81\x02[]'),
    });
  });

  it('holds frames that exceed what is read and written at once', async () => {
    const frames = [Buffer.alloc(3_000_001, 1), Buffer.alloc(7, 2)];
    await file.write({ savedAtMs: Date.now(), nodeId: NODE_ID, sessions: 2 }, [snapshot(1, frames), snapshot(2)], SOON);
    const [one, two] = await taken();
    expect(one!.unseen.equals(Buffer.concat(frames))).toBe(true);
    expect(two!.unseenFrames).toBe(2);
  });

  it('may be read by its user alone', async () => {
    await write(1);
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  });

  it('goes to one of several processes', async () => {
    await write(3);
    const all = await Promise.all(Array.from({ length: 8 }, () => new StateFile(folder, MAX_BYTES).take(WINDOW_MS)));
    const found = all.filter((state) => state !== undefined);
    expect(found).toHaveLength(1);
    let lines = 0;
    for await (const { length } of found[0]!.sessionLines()) lines += length > 0 ? 1 : 0;
    expect(lines).toBe(3);
  });

  it('is nothing where no process has written it', async () => {
    expect(await file.take(WINDOW_MS)).toBeUndefined();
  });

  it.each([-60_500, 60_500])('is refused where it was saved %i ms from now', async (ageMs) => {
    await write(1, Date.now() + ageMs);
    await expect(file.take(WINDOW_MS)).rejects.toThrow(
      /^it was saved -?60\d\d\d ms ago, at most 60000 ms are allowed$/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused where sessions may not come back any more', async () => {
    await write(1, Date.now() - 5);
    await expect(file.take(0)).rejects.toThrow('at most 0 ms are allowed');
  });

  it('is refused where it is of another version', async () => {
    expect(await refusal((text) => text.replace(`"version":${STATE_VERSION}`, '"version":77'))).toBe(
      `it has version 77, and this process reads ${STATE_VERSION}`,
    );
  });

  it('is refused where it is another file, or an empty one', async () => {
    expect(await refusal(() => 'x'.repeat(5000))).toBe('it is not a file of saved sessions');
    expect(await refusal(() => '')).toBe('it is not a file of saved sessions');
    expect(await refusal((text) => text.replace('switchboard.sessions', 'switchboard.session'))).toBe(
      'it is not a file of saved sessions',
    );
  });

  it('is refused where its first line names no node', async () => {
    expect(await refusal((text) => text.replace(`"nodeId":"${NODE_ID}"`, '"nodeId":"../x"'))).toBe(
      'its first line is damaged',
    );
  });

  it('is refused where any byte was changed', async () => {
    await write(2);
    const { length } = await readFile(file.path);
    await taken();
    for (let at = 0; at < length - 1; at += 37) {
      const flipped = (text: string): string =>
        text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      expect(await refusal(flipped, 2)).not.toBe('not refused');
    }
  });

  it('is refused where it was cut at any place', async () => {
    await write(2);
    const { length } = await readFile(file.path);
    await taken();
    for (let end = 0; end < length - 1; end += 41)
      expect(await refusal((text) => text.slice(0, end), 2)).not.toBe('not refused');
  });

  it('is refused where a session is missing or comes twice', async () => {
    const lines = (text: string): string[] => text.split('\n');
    expect(await refusal((text) => lines(text).toSpliced(1, 1).join('\n'))).toBe('it is damaged');
    expect(await refusal((text) => lines(text).toSpliced(1, 0, lines(text)[1]!).join('\n'))).toBe('it is damaged');
  });

  it('is refused where other users may have written it', async () => {
    await write(1);
    await chmod(file.path, 0o620);
    await expect(file.take(WINDOW_MS)).rejects.toThrow('another user may have written it');
  });

  it('is refused where it is too large', async () => {
    const bytes = await write(1);
    await expect(new StateFile(folder, bytes - 1).take(WINDOW_MS)).rejects.toThrow(
      `it has ${bytes} bytes, at most ${bytes - 1} are read`,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not written over that of another process, unless that one is old', async () => {
    await write(2);
    await expect(write(1)).rejects.toThrow('another process has saved its sessions there');
    expect(await readdir(folder)).toEqual(['sessions.state']);
    const old = new Date(Date.now() - WINDOW_MS - 1000);
    await utimes(file.path, old, old);
    await write(1);
    expect(await taken()).toHaveLength(1);
  });

  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])('is written where links fail with %s', async (code) => {
    const noLink = (): Promise<void> => Promise.reject(Object.assign(new Error('no links'), { code }));
    file = new StateFile(folder, MAX_BYTES, { link: noLink, rm });
    await write(2);
    expect(await readdir(folder)).toEqual(['sessions.state']);
    await expect(write(1)).rejects.toThrow('another process has saved its sessions there');
    expect(await taken()).toHaveLength(2);
  });

  it('is not there where links fail for another reason', async () => {
    const fullDisk = (): Promise<void> => Promise.reject(Object.assign(new Error('disk full'), { code: 'ENOSPC' }));
    file = new StateFile(folder, MAX_BYTES, { link: fullDisk, rm });
    await expect(write(1)).rejects.toThrow('disk full');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is there where its other name could not be removed, and the error is reported', async () => {
    file = new StateFile(folder, MAX_BYTES, { link, rm: () => Promise.reject(new Error('busy')) });
    const errors: string[] = [];
    const header = { savedAtMs: Date.now(), nodeId: NODE_ID, sessions: 1 };
    await file.write(header, [snapshot(1)], { ...SOON, onLeftover: ({ message }) => void errors.push(message) });
    expect(errors).toEqual(['busy']);
    expect(await readdir(folder)).toContain('sessions.state');
    file = new StateFile(folder, MAX_BYTES);
    expect(await taken()).toHaveLength(1);
  });

  it('is not there where the time was over', async () => {
    const large = [snapshot(1, [Buffer.alloc(2_000_000)]), snapshot(2)];
    const late = { ...SOON, deadlineMs: performance.now() - 1 };
    const header = { savedAtMs: Date.now(), nodeId: NODE_ID, sessions: 2 };
    await expect(file.write(header, large, late)).rejects.toThrow('the time of the drain is over');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not there where the folder is missing', async () => {
    const missing = new StateFile(join(folder, 'missing'), MAX_BYTES);
    await expect(missing.write({ savedAtMs: 1, nodeId: NODE_ID, sessions: 0 }, [], SOON)).rejects.toThrow('ENOENT');
    await expect(missing.take(WINDOW_MS)).rejects.toThrow('ENOENT');
  });

  it('leaves nothing of a process that was killed', async () => {
    const [dead, alive] = ['.dead~', '.alive~'].map((name) => join(folder, name));
    await Promise.all([dead!, alive!].map((path) => writeFile(path, 'secret')));
    const old = new Date(Date.now() - 120_000);
    await utimes(dead!, old, old);
    expect(await file.take(WINDOW_MS)).toBeUndefined();
    expect(await readdir(folder)).toEqual(['.alive~']);
  });
});

describe('the line of a saved session', () => {
  const header = { savedAtMs: 1, nodeId: NODE_ID, sessions: 1 };
  const line = (change: Record<string, unknown>): Buffer =>
    Buffer.from(JSON.stringify({ ...JSON.parse(snapshot(1).details), unseen: '', unseenFrames: 0, ...change }));

  it('is read', () => {
    expect(parseSession(line({}), header)).toMatchObject({ code: 1012, unseen: Buffer.alloc(0) });
  });

  it.each([
    { id: 'zzzzzzzz.0000000000000001' },
    { id: 7 },
    { identity: null },
    { identity: { user: 'ann' } },
    { awayMs: -1 },
    { code: '1012' },
    { resumption: [] },
    { resumption: { secret: 'short', received: 0, seen: 0, reports: 0 } },
    {
      resumption: {
        secret: Buffer.alloc(16).toString('base64url'),
        previousSecret: '',
        received: 0,
        seen: 0,
        reports: 0,
      },
    },
    { resumption: { secret: Buffer.alloc(16).toString('base64url'), received: 0.5, seen: 0, reports: 0 } },
    { parts: undefined },
    { unseen: undefined },
    { unseenFrames: null },
  ])('is refused with %j', (change) => {
    expect(parseSession(line(change), header)).toBeUndefined();
  });
});
