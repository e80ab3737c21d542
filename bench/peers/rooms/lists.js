/** Sessions that a list of members shows at most, as `sys.members` of Switchboard. */
const PAGE = 100;

/** The answer to a join: the members, the new one included. @param {Iterable<string>} ids @param {number} total */
export function members(receiver, ref, room, ids, total) {
  const sessions = [...ids].toSorted().slice(0, PAGE);
  return { type: 'sys.members', sender: 'server', receiver, ref, data: { room: room.slice(1), sessions, total } };
}

export const acknowledged = (receiver, ref) => ({
  type: 'sys.ack',
  sender: 'server',
  receiver,
  ref,
  data: { status: 'left' },
});

/** The notice to the other members. @param {'sys.joined' | 'sys.left'} type */
export const notice = (type, sender, room) => ({ type, sender, receiver: room, data: {} });
