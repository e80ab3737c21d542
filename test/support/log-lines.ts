import { afterEach, beforeEach, vi } from 'vitest';

/** Keeps the server's log out of the report of this file; the list has the lines of the test that runs. */
export function keepLogLines(): readonly string[] {
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return lines;
}
