import { beforeEach, describe, expect, it } from 'vitest';
import { Groups, remoteId } from '../support/groups.js';

describe('the index of users', () => {
  let groups: Groups;
  let presence: [string, number][];

  beforeEach(() => {
    groups = new Groups();
    presence = [];
    groups.users.onPresence((user, sessions) => presence.push([user, sessions]));
  });

  it('counts the sessions of a user on all nodes', () => {
    const one = groups.open('ann').session;
    const two = groups.open('ann').session;
    groups.open('ben');
    groups.open();
    groups.localNode.remoteArrived({ id: remoteId('A', 1), user: 'ann' });
    groups.localNode.remoteArrived({ id: remoteId('B', 1), user: 'ann' });
    groups.localNode.remoteArrived({ id: remoteId('B', 2), user: 'ann' });
    const { users } = groups;
    expect([users.count('ann'), users.remoteCount('ann'), users.count('cem')]).toEqual([5, 3, 0]);
    expect(users.local('ann')).toEqual([one, two]);
    expect(users.nodes('ann').toSorted()).toEqual(['AAAAAAAA', 'BBBBBBBB']);
    expect(users.ids('ann')).toEqual([one.id, two.id, remoteId('A', 1), remoteId('B', 1), remoteId('B', 2)].toSorted());
    expect(users.page('ann', users.ids('ann')[1], 2)).toEqual({
      sessions: users.ids('ann').slice(2, 4),
      total: 5,
      next: users.ids('ann')[3],
    });
  });

  it('reports a user that goes from no session to some, or back, on whatever node', () => {
    const one = groups.open('ann').session;
    const two = groups.open('ann').session;
    groups.localNode.remoteArrived({ id: remoteId('A', 1), user: 'ann' });
    groups.localNode.remoteArrived({ id: remoteId('A', 1), user: 'ann' });
    groups.registry.end(one);
    groups.registry.end(two);
    expect(presence).toEqual([['ann', 1]]);
    groups.localNode.remoteDeparted(remoteId('A', 1), 1006);
    groups.localNode.remoteDeparted(remoteId('A', 1), 1006);
    expect(presence).toEqual([
      ['ann', 1],
      ['ann', 0],
    ]);
    groups.localNode.remoteArrived({ id: remoteId('A', 2), user: 'ann' });
    expect(presence).toHaveLength(3);
    expect(groups.users.ids('ann')).toEqual([remoteId('A', 2)]);
  });

  it('reports a user whose last session ends once that session has left its rooms', () => {
    const { session } = groups.open('ann');
    groups.rooms.join(session, 'garden');
    const sizes: number[] = [];
    groups.users.onPresence(() => sizes.push(groups.rooms.size('garden')));
    groups.registry.end(session);
    expect(sizes).toEqual([0]);
  });

  it('does not know a session that was closed before it was announced', () => {
    const session = groups.create('ann');
    groups.registry.open(session, Buffer.from([0x81, 0]) as never, () => groups.registry.end(session));
    expect(presence).toEqual([]);
    expect(groups.users.count('ann')).toBe(0);
  });

  it('keeps the pages of a user with many sessions in order', () => {
    const sessions = Array.from({ length: 100 }, () => groups.open('ann').session);
    const sorted = (): string[] => groups.users.ids('ann');
    expect(groups.users.page('ann', undefined, 1000).sessions).toEqual(sorted());
    for (const session of sessions.slice(0, 30)) groups.registry.end(session);
    groups.localNode.remoteArrived({ id: remoteId('A', 1), user: 'ann' });
    expect(groups.users.page('ann', undefined, 1000).sessions).toEqual(sorted());
    for (const session of sessions.slice(30, 98)) groups.registry.end(session);
    expect(groups.users.page('ann', undefined, 1000)).toEqual({ sessions: sorted(), total: 3 });
  });
});
