import {
  Backplane,
  type DeliveryFailure,
  type GroupCallback,
  type RoomFailure,
  type SessionInfo,
} from '../../src/cluster/backplane.js';
import { GroupFanOut } from '../../src/groups/group-fan-out.js';
import { GroupMembers } from '../../src/groups/group-members.js';
import type { GroupPermissions } from '../../src/groups/group-permissions.js';
import { GroupRouter } from '../../src/groups/group-router.js';
import { MemberPages } from '../../src/groups/member-pages.js';
import { RemoteGroups } from '../../src/groups/remote-groups.js';
import { RoomIndex } from '../../src/groups/room-index.js';
import { RoomNotices } from '../../src/groups/room-notices.js';
import { RoomRouter } from '../../src/groups/room-router.js';
import { ServerMemberships } from '../../src/groups/server-memberships.js';
import { StateNotices } from '../../src/groups/state-notices.js';
import { UserIndex } from '../../src/groups/user-index.js';
import { UserRouter } from '../../src/groups/user-router.js';
import { LocalDelivery } from '../../src/messaging/local-delivery.js';
import { LocalNode } from '../../src/messaging/local-node.js';
import { NoticeLog } from '../../src/messaging/notice-log.js';
import { RemoteDelivery } from '../../src/messaging/remote-delivery.js';
import { SessionDirectory } from '../../src/messaging/session-directory.js';
import { welcomeFrames } from '../../src/protocol/index.js';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { readSettings } from '../../src/settings/environment.js';
import type { Settings } from '../../src/settings/settings.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Log } from '../../src/telemetry/log.js';
import { makeResumable } from './resumable.js';
import { FakeConnection, newRegistry, WELCOME, type FakeSession } from './sessions.js';

const welcomeFrame = welcomeFrames(WELCOME);

/** A message to a user or a room that a {@link FakeBackplane} has queued. */
interface QueuedMessage {
  readonly nodeId: string;
  readonly receiver: string;
  readonly callback: GroupCallback;
}

/** A backplane that keeps what is announced and sent to other nodes. */
export class FakeBackplane extends Backplane {
  readonly outage = undefined;
  readonly peerCount = 0;
  readonly waiting = 0;
  /** Announcements in their order, such as `joined garden`. */
  readonly announced: string[] = [];
  readonly queued: QueuedMessage[] = [];
  /** Nodes that cannot be reached. */
  readonly unreachable = new Set<string>();

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  deliver(): DeliveryFailure {
    return 'receiver_not_found';
  }

  canBroadcast(): boolean {
    return true;
  }

  broadcast(): boolean {
    return true;
  }

  arrived({ user = 'nobody' }: SessionInfo): void {
    this.announced.push(`arrived ${user}`);
  }

  departed(_: string, code: number): void {
    this.announced.push(`departed ${code}`);
  }

  joined(_: string, room: string): void {
    this.announced.push(`joined ${room}`);
  }

  left(_: string, room: string): void {
    this.announced.push(`left ${room}`);
  }

  away(): void {
    this.announced.push('away');
  }

  back(): void {
    this.announced.push('back');
  }

  deliverToGroup(
    nodeId: string,
    _sender: string,
    receiver: string,
    _frame: unknown,
    callback: GroupCallback,
  ): 'queued' | 'unavailable' {
    if (this.unreachable.has(nodeId)) return 'unavailable';
    this.queued.push({ nodeId, receiver, callback });
    return 'queued';
  }

  async changeRoom(): Promise<RoomFailure> {
    return 'receiver_not_found';
  }

  async kick(): Promise<DeliveryFailure> {
    return 'receiver_not_found';
  }

  async sessionDetails(): Promise<[]> {
    return [];
  }

  ownerOf(): undefined {}

  standingOf(): 'unseen' {
    return 'unseen';
  }

  async rpc(): Promise<'unavailable'> {
    return 'unavailable';
  }

  async flushed(): Promise<void> {}
}

/** Permissions that a test changes. */
export class FakePermissions {
  send = true;
  sendFromOutside = false;

  maySend(): boolean {
    return this.send;
  }

  maySendFromOutside(): boolean {
    return this.sendFromOutside;
  }
}

/** The users and rooms of one node, without a server. */
export class Groups {
  readonly registry: SessionRegistry;
  readonly backplane: FakeBackplane;
  readonly permissions = new FakePermissions();
  readonly noticeLog: NoticeLog;
  readonly localNode: LocalNode;
  readonly rooms: RoomIndex;
  readonly users = new UserIndex();
  readonly router: GroupRouter;
  readonly members: GroupMembers;
  readonly directory: SessionDirectory;
  readonly localDelivery: LocalDelivery;
  readonly remoteDelivery: RemoteDelivery;
  readonly pages: MemberPages;
  readonly stateNotices: StateNotices;
  readonly settings: Settings;
  /** The budget of all sessions that may come back. */
  readonly budget: ReplayBudget;

  constructor(variables: Record<string, string> = {}, backplane = new FakeBackplane()) {
    this.backplane = backplane;
    const settings = (this.settings = readSettings(variables));
    this.budget = new ReplayBudget(settings, new BlockPool());
    const counters = new Counters();
    this.registry = newRegistry(variables);
    const { registry, users } = this;
    const noticeLog = (this.noticeLog = new NoticeLog(registry, settings));
    const directory = (this.directory = new SessionDirectory(registry));
    const localDelivery = (this.localDelivery = new LocalDelivery(registry, noticeLog, counters));
    this.localNode = new LocalNode(backplane, registry, localDelivery, noticeLog, directory);
    this.rooms = new RoomIndex(registry, backplane, new RoomNotices(noticeLog, directory, settings), settings);
    const remoteDelivery = new RemoteDelivery(backplane, noticeLog, counters, new Log(settings));
    this.remoteDelivery = remoteDelivery;
    const remote = new RemoteGroups(backplane, noticeLog, remoteDelivery, settings);
    const permissions = this.permissions as unknown as GroupPermissions;
    const roomRouter = new RoomRouter(this.rooms, permissions, new GroupFanOut(noticeLog, counters), remote, registry);
    const userRouter = new UserRouter(users, permissions, localDelivery, remote, registry);
    this.router = new GroupRouter(roomRouter, userRouter);
    const pages = (this.pages = new MemberPages(this.rooms, users, directory, settings));
    this.members = new GroupMembers(this.rooms, users, this.router, pages, new ServerMemberships(this.rooms));
    this.stateNotices = new StateNotices(registry, noticeLog, this.rooms, settings);
    this.localNode.registerGroups(this.members);
    registry.addListener('groups', this.members);
  }

  /** Opens a session over a fake connection. */
  open(user?: string, connection = new FakeConnection()): FakeSession {
    const session = this.create(user, connection);
    this.registry.open(session, welcomeFrame(session.id));
    return { session, connection };
  }

  /** Opens a session that may come back. @param maxBytes bytes that are kept while it is away */
  openResumable(user?: string, maxBytes = 262_144): FakeSession {
    const connection = new FakeConnection();
    const session = this.#create(user);
    makeResumable(session, maxBytes, this.budget);
    session.attach(connection);
    this.registry.open(session, welcomeFrame(session.id));
    return { session, connection };
  }

  /** Loses the connection of a session that may come back. */
  lose({ session, connection }: FakeSession): void {
    this.registry.lose(session, connection, 1006);
  }

  /** Opens sessions without a user. */
  openAll(count: number): readonly FakeSession[] {
    return Array.from({ length: count }, () => this.open());
  }

  /** Creates a session that is not open yet. */
  create(user?: string, connection = new FakeConnection()): FakeSession['session'] {
    const session = this.#create(user);
    session.attach(connection);
    return session;
  }

  #create(user: string | undefined): FakeSession['session'] {
    return this.registry.create({
      address: '127.0.0.1',
      user,
      subject: undefined,
      claims: undefined,
      expiresAt: undefined,
    });
  }
}

/** Returns the notices and messages that sessions of rooms got, such as `sys.left #garden`. */
export function received({ connection, session }: FakeSession): string[] {
  session.outbox.flushAll();
  return connection.envelopes
    .filter(({ type }) => !['sys.welcome', 'sys.arrived', 'sys.departed'].includes(type))
    .map(({ type, receiver }) => `${type} ${receiver === session.id ? 'me' : receiver}`);
}

/** Returns an id as those of sessions on another node. @param node one character, repeated as the id of the node */
export function remoteId(node: string, number: number): string {
  return `${node.repeat(8)}.${String(number).padStart(16, '0')}`;
}
