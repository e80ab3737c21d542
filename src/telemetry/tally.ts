/** How often each thing that a limit refused has happened in this process, by its code. */
const counts = new Map<string, number>();

/** Counts refusals; names come from tables of codes, so that there are few. */
export const Tally = {
  count(name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  },
  of(name: string): number {
    return counts.get(name) ?? 0;
  },
  all(): ReadonlyMap<string, number> {
    return counts;
  },
} as const;
