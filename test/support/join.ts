import type { Socket } from 'node:net';

/** Forwards bytes, ends and resets in both directions. */
export function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setNoDelay(true);
    from.pipe(to);
    from.on('error', () => undefined);
    from.on('close', (failed) => {
      if (failed) to.destroy();
    });
  }
}
