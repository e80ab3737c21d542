import { Global, Module } from '@nestjs/common';
import { ClusterSessions } from '../messaging/cluster-sessions.js';
import { GroupRoutes } from '../messaging/group-routes.js';
import { LocalNode } from '../messaging/local-node.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { GroupFanOut } from './group-fan-out.js';
import { GroupMembers } from './group-members.js';
import { GroupPermissions } from './group-permissions.js';
import { GroupRequests } from './group-requests.js';
import { GroupRouter } from './group-router.js';
import { MemberPages } from './member-pages.js';
import { RemoteGroups } from './remote-groups.js';
import { RoomIndex } from './room-index.js';
import { RoomNotices } from './room-notices.js';
import { RoomRouter } from './room-router.js';
import { Rooms } from './rooms.js';
import { ServerMemberships } from './server-memberships.js';
import { StateNotices } from './state-notices.js';
import { UserIndex } from './user-index.js';
import { UserRouter } from './user-router.js';
import { Users } from './users.js';

/** Provides users and rooms as receivers. Global, so that a handler injects them without importing a module. */
@Global()
@Module({
  providers: [
    GroupPermissions,
    RoomNotices,
    RoomIndex,
    ServerMemberships,
    UserIndex,
    MemberPages,
    GroupFanOut,
    RemoteGroups,
    RoomRouter,
    UserRouter,
    GroupRouter,
    GroupMembers,
    GroupRequests,
    Rooms,
    Users,
    StateNotices,
  ],
  exports: [GroupPermissions, RoomIndex, UserIndex, MemberPages, GroupMembers, Rooms, Users, StateNotices],
})
export class GroupsModule {
  constructor(
    groupRoutes: GroupRoutes,
    localNode: LocalNode,
    clusterSessions: ClusterSessions,
    sessions: SessionRegistry,
    members: GroupMembers,
  ) {
    groupRoutes.register(members.router);
    localNode.registerGroups(members);
    clusterSessions.registerUsers(members.users);
    sessions.addListener('groups', members);
    sessions.parts.add('rooms', members);
  }
}
