import { describe, expect, it } from 'vitest';
import type { Backplane } from '../../src/cluster/backplane.js';
import { NodeIdentity } from '../../src/node/node-identity.js';
import { AwaySessions } from '../../src/resume/away-sessions.js';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { SessionFile } from '../../src/resume/state/session-file.js';
import { SessionHandover } from '../../src/resume/state/session-handover.js';
import { readSettings } from '../../src/settings/environment.js';
import { Log } from '../../src/telemetry/log.js';
import { newRegistry, openSession } from '../support/sessions.js';

/** Returns a node with settings, and as many other nodes in its cluster. */
function handover(variables: Record<string, string>, peerCount = 0): SessionHandover {
  const settings = readSettings(variables);
  const log = new Log(settings);
  const registry = newRegistry();
  const awaySessions = new AwaySessions(registry, new ReplayBudget(settings), log, settings);
  const backplane = { peerCount } as Backplane;
  return new SessionHandover(registry, awaySessions, new SessionFile(settings), new NodeIdentity(), backplane, log);
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
