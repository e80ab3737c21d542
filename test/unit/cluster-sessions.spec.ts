import { beforeEach, describe, expect, it } from 'vitest';
import type { Backplane, DeliveryFailure, SessionDetails } from '../../src/cluster/backplane.js';
import { ClusterSessions } from '../../src/messaging/cluster-sessions.js';
import { SessionDirectory } from '../../src/messaging/session-directory.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { newRegistry, openSession } from '../support/sessions.js';

const NEAR = 'BBBBBBBB.near';
const SILENT = 'CCCCCCCC.silent';
const GONE = 'DDDDDDDD.gone';

/** A backplane with one node that answers, that of `NEAR`, and one that does not, that of `SILENT`. */
class FakeBackplane {
  readonly kicked: [string, number][] = [];

  async kick(id: string, code: number): Promise<DeliveryFailure | undefined> {
    if (id === SILENT) return 'unavailable';
    if (id !== NEAR) return 'receiver_not_found';
    this.kicked.push([id, code]);
    return undefined;
  }

  async sessionDetails(ids: readonly string[]): Promise<readonly SessionDetails[]> {
    return ids.filter((id) => id === NEAR).map((id) => ({ id, address: '192.0.2.7' }));
  }
}

describe('the sessions of a cluster', () => {
  let registry: SessionRegistry;
  let directory: SessionDirectory;
  let backplane: FakeBackplane;
  let clusterSessions: ClusterSessions;

  beforeEach(() => {
    registry = newRegistry();
    directory = new SessionDirectory(registry);
    backplane = new FakeBackplane();
    clusterSessions = new ClusterSessions(registry, directory, backplane as unknown as Backplane);
    directory.addRemote(NEAR, 'ann');
    directory.addRemote(SILENT, 'ann');
  });

  it('are found on any node; unavailable is thrown only where a node does not answer', async () => {
    const { session } = openSession(registry);
    expect(await clusterSessions.find(session.id)).toMatchObject({ id: session.id, bytesWaiting: 0 });
    expect(await clusterSessions.find(NEAR)).toEqual({ id: NEAR, address: '192.0.2.7' });
    await expect(clusterSessions.find(SILENT)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await clusterSessions.find(GONE)).toBeUndefined();
  });

  it('are listed in order, those of a silent node with id and user only', async () => {
    const { session } = openSession(registry);
    directory.addRemote('DDDDDDDD.other', undefined);
    const { sessions, total, next } = await clusterSessions.page(undefined, 10);
    const shown = new Map(sessions.map((each) => [each.id, each]));
    expect([...shown.keys()]).toEqual([session.id, NEAR, SILENT, 'DDDDDDDD.other'].toSorted());
    expect([total, next]).toEqual([4, undefined]);
    expect(shown.get(NEAR)).toEqual({ id: NEAR, address: '192.0.2.7' });
    expect(shown.get(SILENT)).toEqual({ id: SILENT, user: 'ann' });
    expect(shown.get('DDDDDDDD.other')).toEqual({ id: 'DDDDDDDD.other' });
  });

  it('are closed on any node with a code', async () => {
    const { session, connection } = openSession(registry);
    expect(await clusterSessions.close(session.id, 4102)).toBe(true);
    expect(connection.closedWith).toBe(4102);
    expect(await clusterSessions.close(NEAR, 4102)).toBe(true);
    expect(backplane.kicked).toEqual([[NEAR, 4102]]);
    expect(await clusterSessions.close(GONE, 4102)).toBe(false);
    await expect(clusterSessions.close(SILENT, 4102)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(clusterSessions.close(NEAR, 1005 as never)).rejects.toThrow(RangeError);
  });

  it('of a user are all closed, also where one of them fails', async () => {
    const { session, connection } = openSession(registry);
    const users = new Map([
      ['ann', [SILENT, NEAR, GONE, session.id]],
      ['bob', [NEAR, GONE]],
    ]);
    expect(await clusterSessions.closeUser('ann', 4000)).toBe(0);
    clusterSessions.registerUsers({ ids: (user) => users.get(user) ?? [] });
    await expect(clusterSessions.closeUser('ann', 4000)).rejects.toMatchObject({ code: 'unavailable' });
    expect([backplane.kicked, connection.closedWith]).toEqual([[[NEAR, 4000]], 4000]);
    expect(await clusterSessions.closeUser('bob', 4000)).toBe(1);
    expect(await clusterSessions.closeUser('nobody', 4000)).toBe(0);
    await expect(clusterSessions.closeUser('eve', 1005 as never)).rejects.toThrow(RangeError);
  });

  it('of a user are closed at one moment', async () => {
    const others = [1, 2, 3].map(() => openSession(registry));
    clusterSessions.registerUsers({ ids: () => others.map(({ session }) => session.id) });
    const open: number[] = [];
    registry.addListener('notices', {
      closed: () => open.push(others.filter(({ session }) => !session.closed).length),
    });
    expect(await clusterSessions.closeUser('ann', 4102)).toBe(3);
    expect(open).toEqual([0, 0, 0]);
    expect(others.map(({ connection }) => connection.closedWith)).toEqual([4102, 4102, 4102]);
  });
});
