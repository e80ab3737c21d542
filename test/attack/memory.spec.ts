import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ATTACKS } from './attacks/table.js';
import { Siege } from './siege.js';

const MIB = 1024 * 1024;
const HEAP_MIB = 300;
const BUDGET_BYTES = 64 * MIB;
/** The heap, the budget, which is outside of the heap, and what the process needs at rest. */
const RESIDENT_BYTES = 512 * MIB;
/** Memory that the attack may hold and no metric shows: connections, sessions, their requests and the kernel's reads. */
const UNCOUNTED_BYTES = 64 * MIB;
const PRESENT = 150;
/** How much heavier an attack is than beside the calm pair that is measured. */
const FORCE = 3;
const PROBE = new URL('memory-probe.js', import.meta.url).href;
let probes = 0;

describe(`a server with a heap of ${HEAP_MIB} MiB survives with bounded memory, which its metrics account for`, () => {
  let siege: Siege;
  let socketPath: string;

  beforeEach(async () => {
    socketPath = join(tmpdir(), `switchboard-probe-${process.pid}-${probes++}`);
    const variables = {
      MEMORY_BUDGET_BYTES: `${BUDGET_BYTES}`,
      MEMORY_PROBE: socketPath,
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB} --import=${PROBE}`,
    };
    siege = await Siege.start({ present: PRESENT, variables });
  });
  afterEach(() => siege.stop());

  it.each(ATTACKS)('%s', { timeout: 90_000 }, async (_title, attack) => {
    const beforeBytes = await heldBytes();
    const uncountedBytes: number[] = [];
    const ended = new AbortController();
    const watched = (async () => {
      while (!ended.signal.aborted) uncountedBytes.push((await heldBytes()) - beforeBytes - (await counted()));
    })();
    // The last reading ends before the connections of the attack do, because it takes two steps.
    await siege.under(async (attacker) => {
      await attack(attacker).finally(() => ended.abort());
      await watched;
    }, FORCE);
    expect(siege.broken).toBe(false);
    expect(Math.max(...uncountedBytes)).toBeLessThan(UNCOUNTED_BYTES);
    expect(siege.peakBytes).toBeLessThan(RESIDENT_BYTES);
  });

  /** The bytes that the server holds, once its garbage is collected. */
  async function heldBytes(): Promise<number> {
    const socket = connect(socketPath);
    await once(socket, 'connect');
    return (JSON.parse(await text(socket)) as { heldBytes: number }).heldBytes;
  }

  /** The bytes that the server says it holds for its clients. */
  async function counted(): Promise<number> {
    const metrics = await (await fetch(`${siege.servers[0]!.origin}/metrics`)).text();
    return Number(/^switchboard_buffered_bytes (\d+)/m.exec(metrics)![1]);
  }
});
