import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientFrame, closeFrame } from '../support/client-frames.js';
import type { Addresses } from '../support/envelopes.js';
import { BothPaths, type Script } from '../support/both-paths.js';
import { Random } from '../support/random.js';
import { FATAL, HANDLED } from '../support/streams.js';

const SEED = 20_261_122;

describe('the fast frame reader and ws', () => {
  let paths: BothPaths;
  beforeAll(async () => {
    paths = await BothPaths.open();
  });
  afterAll(() => paths.close());

  it.each(['chunks', 'tcp'] as const)(
    'produce the same frames from a stream cut at any byte (%s)',
    { timeout: 600_000 },
    async (way) => {
      let streams = 0;
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
            await paths.compare(write, way, `representative ${index} cut at ${cut}`);
            streams++;
          }
      }
      expect(streams).toBeGreaterThan(500);
    },
  );
});

interface Representative {
  readonly frames: (to: Addresses) => Buffer[];
  readonly fatal: boolean;
}

/** Returns one short stream of each kind. Each stream is cut at every byte. */
function representative(): Representative[] {
  const accepted: Representative['frames'][] = [
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
    ...accepted.map((frames) => ({ frames, fatal: false })),
    ...[...fatal, ...more].map((frames) => ({ frames, fatal: true })),
  ];
}

function plain({ receivers }: Addresses, id: string): Buffer {
  return clientFrame(`{"type":"a","receiver":"${receivers[0]!}","id":"${id}","data":"é"}`);
}
