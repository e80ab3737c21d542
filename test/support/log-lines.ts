import { afterEach, beforeEach, vi } from 'vitest';

/** Captures the server's log of this file; the list has the lines of the current test. */
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
