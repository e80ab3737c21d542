import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientFrame, closeFrame } from '../support/client-frames.js';
import type { Addresses } from '../support/envelopes.js';
import { differenceOf, Lane, type Script } from '../support/lanes.js';
import { Random } from '../support/random.js';
import { anyStream, FATAL, HANDLED } from '../support/streams.js';

const SEED = 20_261_122;
const FRAMES = 1_000_000;
const FRAMES_IN_A_STREAM = 500;

/** Cuts what a client writes into chunks of any size: single bytes, parts of frames, many frames at once. */
function cutUp(random: Random, bytes: Buffer): Script['chunks'] {
  const chunks: { bytes: Buffer; pause: boolean }[] = [];
  const longest = random.pick([3, 40, 300, 5000, 70_000]);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + random.between(1, random.once(10) ? 5000 : longest));
    chunks.push({ bytes: bytes.subarray(at, end), pause: random.once(longest < 300 ? 20 : 4) });
    at = end;
  }
  return chunks;
}

describe('both lanes', () => {
  let fast: Lane;
  let exact: Lane;
  let streams = 0;
  beforeAll(async () => {
    fast = await Lane.open('on');
    exact = await Lane.open('off');
  });
  afterAll(async () => {
    await fast.close();
    await exact.close();
  });

  /** Plays one script on both lanes and says what differs. */
  async function compare(write: (to: Addresses) => Script, way: 'tcp' | 'chunks', name: string): Promise<number> {
    streams++;
    const [one, other] = [await fast.play(write, way), await exact.play(write, way)];
    const difference = differenceOf(one, other);
    if (difference === undefined) return one.writer.length + one.first.length + one.second.length;
    const { chunks } = write({ receivers: Array.from({ length: 8 }, (_, index) => String(index).repeat(25)) });
    const input = chunks.map(({ bytes, pause }) => bytes.toString('hex') + (pause ? ' | ' : ' '));
    throw new Error(`seed ${SEED}, ${name}, ${way}: ${difference}\n${input.join('').slice(-20_000)}`);
  }

  it(`say the same to everybody of ${FRAMES} frames`, { timeout: 300_000 }, async () => {
    const frames = { written: 0 };
    let told = 0;
    for (let stream = 0; ; stream++) {
      if (frames.written >= FRAMES) break;
      const way = stream % 3 === 0 ? 'tcp' : 'chunks';
      const write = (to: Addresses): Script => {
        const random = new Random(SEED + stream);
        const length = random.once(4) ? random.between(0, 20) : random.between(20, 2 * FRAMES_IN_A_STREAM);
        const made = anyStream(random, to, length, way === 'chunks');
        frames.written += made.frames.length / 2; // once on each lane
        return { chunks: cutUp(random, Buffer.concat(made.frames)), fatal: made.fatal, cut: random.once(4) };
      };
      told += await compare(write, way, `stream ${stream}`);
    }
    expect(told).toBeGreaterThan(FRAMES / 2);
  });

  it.each(['chunks', 'tcp'] as const)(
    'say the same of a stream cut at any byte (%s)',
    { timeout: 120_000 },
    async (way) => {
      const before = streams;
      for (const [index, stream] of representative().entries()) {
        const { length } = Buffer.concat(stream.frames({ receivers: ['a'.repeat(25)] }));
        const step = way === 'tcp' ? 7 : 1;
        for (const pause of way === 'tcp' ? [true] : [true, false])
          for (let cut = 1; cut < length; cut += step) {
            const write = (to: Addresses): Script => {
              const bytes = Buffer.concat(stream.frames(to));
              const chunks = [
                { bytes: bytes.subarray(0, cut), pause },
                { bytes: bytes.subarray(cut), pause: false },
              ];
              return { chunks, fatal: stream.fatal, cut: false };
            };
            await compare(write, way, `representative ${index} cut at ${cut}`);
          }
      }
      expect(streams - before).toBeGreaterThan(500);
    },
  );
});

interface Representative {
  readonly frames: (to: Addresses) => Buffer[];
  readonly fatal: boolean;
}

/** Short streams, one of each kind: what may be cut is cut everywhere. */
function representative(): Representative[] {
  const bearable: Representative['frames'][] = [
    (to) => [plain(to, '1'), plain(to, '2')],
    (to) => [clientFrame('p', { opcode: 9 }), plain(to, '1')],
    (to) => [clientFrame('{"ty', { final: false }), clientFrame('pe":1}', { opcode: 0 }), plain(to, '1')],
    (to) => [
      clientFrame('', { final: false }),
      clientFrame('', { opcode: 9 }),
      clientFrame('', { opcode: 0 }),
      plain(to, '1'),
    ],
    (to) => [clientFrame('{"type":"sys.ping"}', { lengthBits: 64 }), plain(to, '1')],
    (to) => [clientFrame('', { lengthBits: 16 }), clientFrame('', { opcode: 10, mask: 0 }), plain(to, '1')],
    (to) => [clientFrame(`{"type":"${'x'.repeat(140)}"}`), plain(to, '1')],
    ...HANDLED.map((text) => (to: Addresses) => [clientFrame(text), plain(to, '1')]),
  ];
  const fatal = FATAL.map((make, index) => (to: Addresses) => {
    const random = new Random(SEED + index);
    return [...make(random, Buffer.from('{"type":"a","receiver":"*"}')).slice(0, 66), plain(to, '1')];
  });
  const more: Representative['frames'][] = [
    (to) => [plain(to, '1'), closeFrame(1000, 'x'), closeFrame(1001)],
    (to) => [closeFrame(), clientFrame('p', { opcode: 9 }), plain(to, '1')],
  ];
  return [
    ...bearable.map((frames) => ({ frames, fatal: false })),
    ...[...fatal, ...more].map((frames) => ({ frames, fatal: true })),
  ];
}

function plain({ receivers }: Addresses, id: string): Buffer {
  return clientFrame(`{"type":"a","receiver":"${receivers[0]!}","id":"${id}","data":"é"}`);
}
