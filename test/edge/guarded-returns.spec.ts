import { Module } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectGuard, type ConnectIdentity } from '../../src/index.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { roomIndex } from '../support/permissions.js';
import { ResumableClient } from '../support/resumable-client.js';
import { QUIET } from '../support/resume.js';
import { startNode, type TestServer } from '../support/server.js';

const CLAIMS = { switchboard: { rooms: { garden: ['join', 'see'] } } };

/** Answers with the next verdict of the test. */
class TestGuard extends ConnectGuard {
  constructor(private readonly verdicts: ConnectIdentity[]) {
    super();
  }

  canConnect(): ConnectIdentity {
    return this.verdicts.shift()!;
  }
}

describe('a return that a ConnectGuard admits', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  /** Joins a room with the rights of one verdict and returns with those of another; returns the rooms then. */
  async function roomsAfterReturn(...verdicts: ConnectIdentity[]): Promise<readonly string[]> {
    @Module({ providers: [{ provide: ConnectGuard, useValue: new TestGuard(verdicts) }] })
    class GuardModule {}
    server = await startNode({ ...QUIET, ROOMS: 'off' }, [GuardModule as never]);
    const ann = await ResumableClient.open(server);
    ann.send({ type: 'sys.join', receiver: '#garden', id: 'j' });
    expect((await ann.answer('j')).type).toBe('sys.members');
    ann.cut();
    expect((await ann.resume()).data.resumed).toBe(true);
    await ann.settled();
    return roomIndex(server).roomsOf(server.app.get(SessionRegistry).find(ann.id)!);
  }

  it('keeps the rooms that its claims allow', async () => {
    const verdict = { user: 'ann', claims: CLAIMS };
    expect(await roomsAfterReturn(verdict, verdict)).toEqual(['garden']);
  });

  it('leaves the rooms that claims allowed which the session has no longer', async () => {
    expect(await roomsAfterReturn({ user: 'ann', claims: CLAIMS }, { user: 'ann' })).toEqual([]);
  });
});
