import { beforeEach, describe, expect, it } from 'vitest';
import { HandlerReplies } from '../../src/gateway/dispatch/handler-replies.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Log } from '../../src/telemetry/log.js';
import { Groups } from '../support/groups.js';
import { kept } from '../support/resumable.js';
import type { FakeSession } from '../support/sessions.js';

const RESUME_BYTES = 10_000;
const ANSWER = 'x'.repeat(4000);

/** Returns the code in the data of a `sys.error`. */
function errorCode(data: unknown): string | undefined {
  return (data as { code?: string } | undefined)?.code;
}

describe('the answers of a session that is away', () => {
  let groups: Groups;
  let replies: HandlerReplies;
  let ann: FakeSession;

  beforeEach(() => {
    groups = new Groups();
    replies = new HandlerReplies(new Counters(), new Log(groups.settings));
    ann = groups.openResumable('ann', RESUME_BYTES);
  });

  const answer = (id: string, value: unknown = ANSWER): void => {
    try {
      replies.value(ann.session, { type: 'report', id }, value);
      replies.done(ann.session, { type: 'report', id });
    } catch (error) {
      replies.failed(ann.session, { type: 'report', id }, error);
    }
  };

  it('are kept up to RESUME_BYTES, and one more, and then are errors', () => {
    groups.lose(ann);
    for (let id = 1; id <= 6; id++) answer(String(id));
    const shown = kept(ann.session).map(({ type, ref, data }) => `${ref} ${errorCode(data) ?? type}`);
    expect(shown).toEqual([
      ...['1', '2', '3'].flatMap((ref) => [`${ref} report`, `${ref} sys.ack`]),
      ...['4', '5', '6'].map((ref) => `${ref} receiver_overloaded`),
    ]);
    expect(ann.session.resumption!.replay.bytes).toBeLessThan(RESUME_BYTES + 2 * ANSWER.length);
  });

  it('are acknowledged without a value, however much is kept', () => {
    groups.lose(ann);
    for (let id = 1; id <= 3; id++) answer(String(id));
    answer('4', null);
    expect(kept(ann.session).at(-1)).toMatchObject({ type: 'sys.ack', ref: '4' });
  });

  it('are all sent while it is connected', () => {
    for (let id = 1; id <= 6; id++) answer(String(id));
    ann.session.outbox.flush();
    expect(ann.connection.types.filter((type) => type === 'report')).toHaveLength(6);
  });
});
