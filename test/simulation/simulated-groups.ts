import type { Backplane } from '../../src/cluster/backplane.js';
import { GroupFanOut } from '../../src/groups/group-fan-out.js';
import { GroupMembers } from '../../src/groups/group-members.js';
import type { GroupPermissions } from '../../src/groups/group-permissions.js';
import { GroupRequests } from '../../src/groups/group-requests.js';
import { GroupRouter } from '../../src/groups/group-router.js';
import { GroupsModule } from '../../src/groups/groups.module.js';
import { MemberPages } from '../../src/groups/member-pages.js';
import { RemoteGroups } from '../../src/groups/remote-groups.js';
import { RoomIndex } from '../../src/groups/room-index.js';
import { RoomNotices } from '../../src/groups/room-notices.js';
import { RoomRouter } from '../../src/groups/room-router.js';
import { ServerMemberships } from '../../src/groups/server-memberships.js';
import { StateNotices } from '../../src/groups/state-notices.js';
import { UserIndex } from '../../src/groups/user-index.js';
import { UserRouter } from '../../src/groups/user-router.js';
import { ClusterSessions } from '../../src/messaging/cluster-sessions.js';
import type { GroupRoutes } from '../../src/messaging/group-routes.js';
import type { LocalDelivery } from '../../src/messaging/local-delivery.js';
import type { LocalNode } from '../../src/messaging/local-node.js';
import type { NoticeLog } from '../../src/messaging/notice-log.js';
import type { RemoteDelivery } from '../../src/messaging/remote-delivery.js';
import type { SessionDirectory } from '../../src/messaging/session-directory.js';
import { SystemRequestHandler } from '../../src/messaging/system-request-handler.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import type { Settings } from '../../src/settings/settings.js';
import type { Counters } from '../../src/telemetry/counters.js';

/** Allows everything, as the settings `ROOMS=open` and `USERS=open` do. */
const OPEN: Pick<GroupPermissions, 'mayJoin' | 'maySee' | 'maySend' | 'maySendFromOutside'> = {
  mayJoin: () => true,
  maySee: () => true,
  maySend: () => true,
  maySendFromOutside: () => false,
};

/** The parts of a node that its users and rooms need. */
export interface NodeParts {
  readonly settings: Settings;
  readonly registry: SessionRegistry;
  readonly directory: SessionDirectory;
  readonly noticeLog: NoticeLog;
  readonly counters: Counters;
  readonly backplane: Backplane;
  readonly localDelivery: LocalDelivery;
  readonly remoteDelivery: RemoteDelivery;
  readonly groupRoutes: GroupRoutes;
  readonly localNode: LocalNode;
}

/** The users and rooms of one node. */
export class SimulatedGroups {
  readonly rooms: RoomIndex;
  readonly users = new UserIndex();
  readonly stateNotices: StateNotices;
  readonly #requests: SystemRequestHandler;
  /** Users that have a session, by the last change of presence. */
  readonly #online = new Set<string>();

  /** @param breach called where the presence of a user does not change in turns */
  constructor(parts: NodeParts, breach: (text: string) => void) {
    const { settings, registry, directory, noticeLog, counters, backplane, localDelivery, remoteDelivery } = parts;
    const permissions = OPEN as GroupPermissions;
    this.rooms = new RoomIndex(registry, backplane, new RoomNotices(noticeLog, directory, settings), settings);
    this.stateNotices = new StateNotices(registry, noticeLog, this.rooms, settings);
    const pages = new MemberPages(this.rooms, this.users, directory, settings);
    const remoteGroups = new RemoteGroups(backplane, noticeLog, remoteDelivery, settings);
    const fanOut = new GroupFanOut(noticeLog, counters);
    const roomRouter = new RoomRouter(this.rooms, permissions, fanOut, remoteGroups, registry);
    const userRouter = new UserRouter(this.users, permissions, localDelivery, remoteGroups, registry);
    const router = new GroupRouter(roomRouter, userRouter);
    const members = new GroupMembers(this.rooms, this.users, router, pages, new ServerMemberships(this.rooms));
    this.#requests = new SystemRequestHandler(directory, settings);
    const requests = new GroupRequests(this.#requests, this.rooms, pages, permissions);
    const clusterSessions = new ClusterSessions(registry, directory, backplane);
    const module = new GroupsModule(parts.groupRoutes, parts.localNode, clusterSessions, registry, members);
    if (requests === undefined || module === undefined) throw new Error('the users and rooms were not registered');
    this.users.onPresence((user, sessions) => {
      if (this.#online.has(user) === sessions > 0) breach(`${user} did not change with ${sessions} sessions`);
      if (sessions > 0) this.#online.add(user);
      else this.#online.delete(user);
    });
  }

  /** Returns whether a user has a session, by the last change of presence. */
  isOnline(user: string): boolean {
    return this.#online.has(user);
  }

  /** Answers a request as that of a client. The id of the request names it. */
  request(session: Session, type: 'sys.join' | 'sys.leave', room: string): void {
    void this.#requests.answer(session, { type, id: `${type} ${room}`, receiver: `#${room}`, data: undefined });
  }
}
