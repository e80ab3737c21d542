import { setImmediate as nextTick } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { FlushScheduler, type Flushable } from '../../src/sessions/flush-scheduler.js';

const SHARED_PER_TICK = 512;
const SHARED_BESIDE_DIRECT = 64;

class FakeOutbox implements Flushable {
  readonly errors: unknown[] = [];

  constructor(
    private readonly name: string,
    private readonly flushed: string[],
  ) {}

  flush(): void {
    if (this.name === 'broken') throw new Error('cannot write');
    this.flushed.push(this.name);
  }

  flushShared(): void {
    this.flush();
  }

  fail(error: unknown): void {
    this.errors.push(error);
  }
}

describe('the flush scheduler', () => {
  let scheduler: FlushScheduler;
  let flushed: string[];
  const outbox = (name: string): FakeOutbox => new FakeOutbox(name, flushed);

  beforeEach(() => {
    scheduler = new FlushScheduler();
    flushed = [];
  });

  it('flushes direct frames before shared ones, in the tick in which they were added', async () => {
    scheduler.addShared(outbox('shared'));
    scheduler.add(outbox('direct'));
    await nextTick();
    expect(flushed).toEqual(['direct', 'shared']);
  });

  it('divides shared frames over ticks, in order, and direct frames of a later tick do not wait for them', async () => {
    for (let index = 0; index <= SHARED_PER_TICK; index++) scheduler.addShared(outbox(`shared ${index}`));
    await nextTick();
    expect(flushed).toHaveLength(SHARED_PER_TICK);
    scheduler.add(outbox('direct'));
    await nextTick();
    expect(flushed.slice(SHARED_PER_TICK)).toEqual(['direct', `shared ${SHARED_PER_TICK}`]);
  });

  it('flushes fewer outboxes with shared frames in a tick with direct ones', async () => {
    scheduler.add(outbox('direct'));
    for (let index = 0; index < SHARED_PER_TICK; index++) scheduler.addShared(outbox('shared'));
    await nextTick();
    expect(flushed).toHaveLength(1 + SHARED_BESIDE_DIRECT);
    await nextTick();
    expect(flushed).toHaveLength(1 + SHARED_PER_TICK);
  });

  it('fails an outbox that cannot be written, and goes on with the next', async () => {
    const broken = outbox('broken');
    scheduler.addShared(broken);
    scheduler.addShared(outbox('shared'));
    await nextTick();
    expect(broken.errors).toEqual([new Error('cannot write')]);
    expect(flushed).toEqual(['shared']);
  });
});
