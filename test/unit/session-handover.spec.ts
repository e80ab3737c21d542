import { describe, expect, it } from 'vitest';
import type { Backplane } from '../../src/cluster/backplane.js';
import { NodeIdentity } from '../../src/node/node-identity.js';
import { AwaySessions } from '../../src/resume/away-sessions.js';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { SessionFile } from '../../src/resume/state/session-file.js';
import { SessionHandover } from '../../src/resume/state/session-handover.js';
import { readSettings } from '../../src/settings/environment.js';
import { Log } from '../../src/telemetry/log.js';
import { nodeIdOf, textFrame } from '../../src/protocol/index.js';
import type { SavedSession, SessionSnapshot } from '../../src/resume/state/state-format.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import { Groups } from '../support/groups.js';
import { newRegistry, openSession } from '../support/sessions.js';

/** Returns a node with settings, and as many other nodes in its cluster. */
function handover(variables: Record<string, string>, peerCount = 0): SessionHandover {
  const settings = readSettings(variables);
  const log = new Log(settings);
  const registry = newRegistry();
  const awaySessions = new AwaySessions(registry, new ReplayBudget(settings, new BlockPool()), log, settings);
  const backplane = { peerCount } as Backplane;
  return new SessionHandover(
    registry,
    awaySessions,
    new SessionFile(settings, log),
    new NodeIdentity(),
    backplane,
    log,
  );
}

describe('a drain hands sessions on', () => {
  it('where RESUME_STATE_DIR is set', () => {
    expect(handover({ RESUME_STATE_DIR: '/nowhere' }).isOn).toBe(true);
    expect(handover({}).isOn).toBe(false);
  });

  it('unless no session outlives its connection', () => {
    expect(handover({ RESUME_STATE_DIR: '/nowhere', RESUME_WINDOW_MS: '0' }).isOn).toBe(false);
  });

  it('unless another node is alive', () => {
    expect(handover({ RESUME_STATE_DIR: '/nowhere' }, 1).isOn).toBe(false);
  });

  it('unless they cannot come back', () => {
    expect(handover({ RESUME_STATE_DIR: '/nowhere' }).takes(openSession(newRegistry()).session)).toBe(false);
  });
});

const MAX_WRITTEN_BYTES = 20_000;

/** A file that keeps the ids of the sessions that were written. */
class KeptFile {
  readonly isOn = true;
  readonly path = '/nowhere';
  readonly maxWrittenBytes = MAX_WRITTEN_BYTES;
  readonly ids: string[] = [];

  async write(_: string, snapshots: readonly SessionSnapshot[]): Promise<number> {
    this.ids.push(...snapshots.map(({ details }) => (JSON.parse(details) as SavedSession).id));
    return 0;
  }
}

describe('the size of the file', () => {
  it('ends the sessions that do not fit, and no others', async () => {
    const groups = new Groups({ NOTICE_SCOPE: 'none' });
    const { registry, settings } = groups;
    const log = new Log(settings);
    const awaySessions = new AwaySessions(registry, groups.budget, log, settings);
    const all = Array.from({ length: 4 }, () => groups.openResumable());
    for (const each of all) groups.lose(each);
    all[1]!.session.send(textFrame(JSON.stringify({ type: 'm', data: 'x'.repeat(MAX_WRITTEN_BYTES) })));
    all[1]!.session.outbox.flush();
    const file = new KeptFile();
    const node = { id: nodeIdOf(all[0]!.session.id) } as NodeIdentity;
    const backplane = { peerCount: 0 } as Backplane;
    await new SessionHandover(registry, awaySessions, file as unknown as SessionFile, node, backplane, log).save(0);
    expect(file.ids).toEqual([all[0], all[2], all[3]].map((each) => each!.session.id));
  });
});
