import { ClockOffset } from '../../src/cluster/membership/clock-offset.js';
import { Member } from '../../src/cluster/membership/member.js';
import { NatsBackplane } from '../../src/cluster/nats-backplane.js';
import { GroupMembers } from '../../src/groups/group-members.js';
import { LocalNode } from '../../src/messaging/local-node.js';
import { NodeIdentity } from '../../src/node/node-identity.js';

/** Takes a guard out of the product, in memory only. Returns the function that puts it back. */
type TakeOut = () => () => void;

function replace<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  value: Target[Name],
): () => void {
  return wrap(target, name, () => value);
}

function wrap<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (before: Target[Name]) => Target[Name],
): () => void {
  const before = target[name];
  target[name] = make(before);
  return () => {
    target[name] = before;
  };
}

/** Guards that the simulation must miss: without each of them, some schedule breaks a promise. */
export const GUARDS: Readonly<Record<string, TakeOut>> = {
  /** A node ignores its own messages. */
  'own-messages': () => replace(NodeIdentity.prototype, 'isOwn', () => false),
  /** A batch that arrives twice is executed once. */
  'batch-numbers': () => replace(Member.prototype, 'takeBatchNumber', () => true),
  /** A batch that may be too old is refused. */
  'batch-age': () => replace(ClockOffset.prototype, 'maxAgeMs', () => 0),
  /** A member that reconnects is out of sync. */
  incarnations: () => replace(Member.prototype, 'startIncarnation', () => undefined),
  /** A snapshot replaces the rooms of a known session. */
  'rooms-of-snapshots': () =>
    wrap(GroupMembers.prototype, 'remoteArrived', (before) => {
      const seen = new WeakMap<GroupMembers, Set<string>>();
      return function (this: GroupMembers, sessionInfo) {
        const ids = seen.get(this) ?? new Set();
        seen.set(this, ids);
        if (!ids.has(sessionInfo.id)) before.call(this, sessionInfo);
        ids.add(sessionInfo.id);
      };
    }),
  /** A snapshot replaces the state of a known session. */
  'states-of-snapshots': () =>
    wrap(
      LocalNode.prototype,
      'remoteArrived',
      (before) =>
        function (this: LocalNode, sessionInfo) {
          const away = this['sessionDirectory'].isAway(sessionInfo.id);
          before.call(this, { ...sessionInfo, away });
        },
    ),
  /** A join is announced before the messages of the session to the room. */
  'joins-in-order': () =>
    wrap(
      NatsBackplane.prototype,
      'joined',
      (before) =>
        function (this: NatsBackplane, id, room) {
          queueMicrotask(() => before.call(this, id, room));
        },
    ),
};
