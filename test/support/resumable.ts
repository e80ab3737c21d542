import { frameAt } from '../../src/resume/frame-walk.js';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { ReplayBuffer } from '../../src/resume/replay-buffer.js';
import { SessionResumption } from '../../src/resume/session-resumption.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import type { Session } from '../../src/sessions/session.js';
import { readSettings } from '../../src/settings/environment.js';
import type { Received } from './client.js';

/** Lets the client of a session come back. Call it before a connection is attached. */
export function makeResumable(
  session: Session,
  maxBytes: number,
  budget = new ReplayBudget(readSettings({}), new BlockPool()),
): void {
  const resumption = new SessionResumption(new ReplayBuffer(maxBytes, budget), { add: () => undefined });
  session.makeResumable(resumption);
  resumption.bind(session);
}

/** Returns the messages that are kept for a session, because its client has not seen them. */
export function kept(session: Session): Received[] {
  session.outbox.flush();
  const { replay } = session.resumption as SessionResumption;
  return replay
    .unseenRuns()
    .runs.flatMap(textsOf)
    .map((text) => JSON.parse(text) as Received);
}

/** Returns the payloads of encoded frames, one behind the other. */
export function textsOf(run: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < run.length;) {
    const { payloadAt, end } = frameAt(run, at);
    texts.push(String(run.subarray(payloadAt, end)));
    at = end;
  }
  return texts;
}
