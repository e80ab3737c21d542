import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HandlersModule } from '../../src/handlers/handlers.module.js';
import { AccessPolicy, type SendVerdict } from '../../src/messaging/access-policy.js';
import { MessageError } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import type { Addresses } from '../support/envelopes.js';
import { BothPaths, type Script } from '../support/both-paths.js';
import { Random } from '../support/random.js';
import { anyStream } from '../support/streams.js';

const SEED = 20_261_122;
const FRAMES = 1_000_000;
/** For each rule about who may send what. */
const CHECKED_FRAMES = 25_000;
const FRAMES_IN_A_STREAM = 500;

/** Cuts the bytes of a client into chunks of any size: single bytes, parts of frames, many frames at once. */
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

/** Plays streams of so many frames on both paths; returns the number of compared lines. */
async function compareStreams(paths: BothPaths, count: number): Promise<number> {
  const frames = { written: 0 };
  let lines = 0;
  for (let stream = 0; frames.written < count; stream++) {
    const way = stream % 3 === 0 ? 'tcp' : 'chunks';
    const write = (to: Addresses): Script => {
      const random = new Random(SEED + stream);
      const length = random.once(4) ? random.between(0, 20) : random.between(20, 2 * FRAMES_IN_A_STREAM);
      const made = anyStream(random, to, length, way === 'chunks');
      frames.written += made.frames.length / 2; // once on each server
      return { chunks: cutUp(random, Buffer.concat(made.frames)), fatal: made.fatal, cut: random.once(4) };
    };
    lines += await paths.compare(write, way, `seed ${SEED + stream}`);
  }
  return lines;
}

/** Decides by the type, and differently about broadcasts. */
@Injectable()
class TypePolicy extends AccessPolicy {
  override maySend(session: Session, receiver: string, type: string): boolean {
    if (type === 'chat') throw new MessageError('not_now', 'Not now.');
    if (type === 'sysx.a' && receiver === '*') session.close(4000);
    return type !== 'a' && (receiver !== '*' || type.length % 2 === 0);
  }
}

@Module({ providers: [{ provide: AccessPolicy, useClass: TypePolicy }] })
class PolicyModule {}

/** Decides by the type that a session first sends to a receiver. */
@Injectable()
class FirstTypePolicy extends AccessPolicy {
  override maySend(_: Session, receiver: string, type: string): SendVerdict {
    if (type.length % 4 === 0) return type !== 'chat';
    return receiver === '*' || type.length % 4 < 3 ? 'always' : 'never';
  }
}

@Module({ providers: [{ provide: AccessPolicy, useClass: FirstTypePolicy }] })
class FirstTypeModule {}

describe('the fast frame reader and ws', () => {
  let paths: BothPaths;
  beforeAll(async () => {
    paths = await BothPaths.open();
  });
  afterAll(() => paths.close());

  it(`produce the same frames for every client from ${FRAMES} frames`, { timeout: 600_000 }, async () => {
    expect(await compareStreams(paths, FRAMES)).toBeGreaterThan(FRAMES / 2);
  });
});

describe('the fast frame reader and ws produce the same frames for every client', () => {
  it.each<[string, Record<string, string>, DynamicModule['imports']]>([
    ['with reserved types', { RESERVED_TYPES: 'offer,demo.sums,sys' }, undefined],
    ['with reserved beginnings of types', { RESERVED_TYPES: 'sys*,x.y:*,demo.*' }, undefined],
    ['with DIRECT_MESSAGES=off', { DIRECT_MESSAGES: 'off', RESERVED_TYPES: 'offer' }, undefined],
    ['with a policy', { RESERVED_TYPES: 'offer' }, [HandlersModule, PolicyModule]],
    ['with a policy whose answers are remembered', { RESERVED_TYPES: 'offer' }, [HandlersModule, FirstTypeModule]],
  ])('%s', { timeout: 600_000 }, async (_, variables, handlers) => {
    const paths = await BothPaths.open(variables, handlers);
    expect(await compareStreams(paths, CHECKED_FRAMES)).toBeGreaterThan(CHECKED_FRAMES / 4);
    await paths.close();
  });
});
