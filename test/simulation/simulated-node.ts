import { MessageError, welcomeFrames, type MembersPage } from '../../src/protocol/index.js';
import { NatsBackplane } from '../../src/cluster/nats-backplane.js';
import { NatsDialer, type NatsLink } from '../../src/cluster/nats/nats-access.js';
import { BroadcastLimit } from '../../src/messaging/broadcast-limit.js';
import { Broadcaster } from '../../src/messaging/broadcaster.js';
import { GroupRoutes } from '../../src/messaging/group-routes.js';
import { LocalDelivery } from '../../src/messaging/local-delivery.js';
import { LocalNode } from '../../src/messaging/local-node.js';
import { MessageRouter } from '../../src/messaging/message-router.js';
import { NoticeLog } from '../../src/messaging/notice-log.js';
import { Recipients } from '../../src/messaging/recipients.js';
import { RemoteDelivery } from '../../src/messaging/remote-delivery.js';
import { SessionDirectory } from '../../src/messaging/session-directory.js';
import { NodeIdentity } from '../../src/node/node-identity.js';
import { AwayNotices } from '../../src/resume/away-notices.js';
import { resumptionOf } from '../../src/resume/session-resumption.js';
import { UndeliveredReports } from '../../src/resume/undelivered.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import type { Connection } from '../../src/sessions/connection.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { SlowConsumers } from '../../src/sessions/slow-consumers.js';
import type { Settings } from '../../src/settings/settings.js';
import { Counters } from '../../src/telemetry/counters.js';
import type { Log, LogFields } from '../../src/telemetry/log.js';
import { accessWithoutProviders } from '../support/access.js';
import type { AnswerCounts } from '../support/group-views.js';
import { Random } from '../support/random.js';
import { makeResumable } from '../support/resumable.js';
import { textsOf, WELCOME } from '../support/sessions.js';
import type { Client, Promises } from './promises.js';
import { Path } from './path.js';
import { SimulatedGroups } from './simulated-groups.js';
import type { SimulatedLink, SimulatedNats } from './simulated-nats.js';
import { VirtualFlushScheduler } from './virtual-flush-scheduler.js';
import { VirtualProcess } from './virtual-time.js';

const ID_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const MAX_PAGE = 1000;
const welcomeFrame = welcomeFrames(WELCOME);

/** The surroundings of all nodes of one run. */
export interface World {
  readonly nats: SimulatedNats;
  readonly promises: Promises;
  readonly settings: Settings;
  readonly random: Random;
  readonly trace: (text: string) => void;
}

interface ServerMessage {
  readonly type: string;
  readonly sender: string;
  readonly receiver: string;
  readonly ref?: string;
  readonly data?: unknown;
}

interface Answer extends AnswerCounts {
  readonly status?: string;
  readonly code?: string;
}

/** Connects to the simulated NATS. */
class SimulatedDialer extends NatsDialer {
  link: SimulatedLink | undefined;

  constructor(
    { settings, nats }: World,
    private readonly process: VirtualProcess,
    private readonly path: Path,
    private readonly connect = nats.connect.bind(nats),
  ) {
    super(settings);
  }

  override async dial(): Promise<NatsLink> {
    const link = await this.connect(this.process, this.path);
    this.link = link as unknown as SimulatedLink;
    return link;
  }
}

/** The real code of one node, from the router to the NATS connector, over virtual time and a simulated NATS. */
export class SimulatedNode {
  readonly process: VirtualProcess;
  readonly path: Path;
  readonly backplane: NatsBackplane;
  readonly #identity: NodeIdentity;
  readonly #registry: SessionRegistry;
  readonly #directory: SessionDirectory;
  readonly #router: MessageRouter;
  readonly #groups: SimulatedGroups;
  readonly #localNode: LocalNode;
  readonly #dialer: SimulatedDialer;
  readonly #sessions = new Map<Client, Session>();
  #opened = 0;
  /** Subscriptions whose loss the node has not logged. */
  #lostSubscriptions = 0;
  /** Whether the node drains, or has ended: it takes no sessions any more. */
  isLeaving = false;

  constructor(
    private readonly world: World,
    readonly name: string,
  ) {
    const { nats, settings } = world;
    const random = new Random(world.random.next());
    this.process = new VirtualProcess(nats.time, random);
    this.path = new Path(random, random.between(0, 2), random.pick([0, 1, 10]));
    this.#identity = new (class extends NodeIdentity {
      protected override newId(): string {
        return Array.from({ length: 8 }, () => ID_CHARACTERS[random.below(64)]).join('');
      }
    })();
    const log = this.#log();
    const scheduler = new VirtualFlushScheduler(this.process);
    this.#registry = new SessionRegistry(scheduler, new BlockPool(), new SlowConsumers(settings), this.#identity, log);
    this.#registry.addListener('directory', { closed: ({ id }) => this.#forget(world.promises.clients.get(id)!) });
    const noticeLog = new NoticeLog(this.#registry, settings);
    const counters = new Counters();
    const localDelivery = new LocalDelivery(this.#registry, noticeLog, counters);
    this.#dialer = new SimulatedDialer(world, this.process, this.path);
    this.backplane = new NatsBackplane(settings, this.#identity, log, this.process, this.#dialer);
    const remoteDelivery = new RemoteDelivery(this.backplane, noticeLog, counters, log);
    this.#directory = new SessionDirectory(this.#registry);
    const limit = new BroadcastLimit(settings, this.#directory);
    const broadcaster = new Broadcaster(localDelivery, remoteDelivery, limit, counters);
    const access = accessWithoutProviders(settings);
    const groupRoutes = new GroupRoutes();
    const recipients = new Recipients(this.#registry, broadcaster, groupRoutes, counters);
    this.#router = new MessageRouter(this.#registry, localDelivery, remoteDelivery, recipients, access);
    this.#localNode = new LocalNode(this.backplane, this.#registry, localDelivery, noticeLog, this.#directory);
    this.#localNode.registerRpc('publish', async (body) => body);
    this.#groups = new SimulatedGroups(
      {
        settings,
        noticeLog,
        counters,
        localDelivery,
        remoteDelivery,
        groupRoutes,
        registry: this.#registry,
        directory: this.#directory,
        backplane: this.backplane,
        localNode: this.#localNode,
      },
      (text) => world.promises.breach(`${name}: ${text}`),
    );
    void new AwayNotices(this.#directory, this.#groups.stateNotices, this.process, settings);
    void new UndeliveredReports(this.#registry, remoteDelivery, this.process, counters, settings);
  }

  get id(): string {
    return this.#identity.id;
  }

  get sessions(): Client[] {
    return [...this.#sessions.keys()];
  }

  /** Sessions of this node whose clients may come back. */
  get away(): Client[] {
    return this.sessions.filter((client) => this.isAway(client));
  }

  /** All sessions that this node lists as away. */
  get listedAway(): string[] {
    return this.listed.filter((id) => this.#directory.isAway(id));
  }

  /** All sessions that this node lists, in order. */
  get listed(): string[] {
    return [...this.#directory.page(undefined, MAX_PAGE).sessions];
  }

  /** Returns the ids of the members of a room, in order, as this node lists them. */
  membersOf(room: string): string[] {
    return [...this.#groups.rooms.page(room, undefined, Infinity).sessions];
  }

  /** Returns the ids of the sessions of a user, in order, as this node lists them. */
  sessionsOf(user: string): string[] {
    const ids = this.#groups.users.ids(user);
    if (this.#groups.isOnline(user) !== ids.length > 0)
      this.world.promises.breach(`${this.name} reported that ${user} is ${ids.length > 0 ? 'offline' : 'online'}`);
    return ids;
  }

  start(): void {
    void this.#localNode.onApplicationBootstrap();
  }

  open(user: string | undefined): void {
    const session = this.#registry.create({
      address: '',
      user,
      subject: undefined,
      claims: undefined,
      expiresAt: undefined,
    });
    const name = `${this.name}/${++this.#opened}`;
    const client: Client = {
      name,
      id: session.id,
      user,
      endedMs: undefined,
      awaySinceMs: undefined,
      backMs: 0,
      frames: 0,
      awayAtOpening: new Set(this.listedAway),
      knownAtOpening: new Set(this.listed),
      arrived: new Map(),
      departed: new Map(),
      received: new Set(),
      lastOf: new Map(),
    };
    this.#sessions.set(client, session);
    this.world.promises.opened(client);
    if (this.#opened % 2 === 0) makeResumable(session, this.world.settings.resumeBytes);
    session.attach(this.#connection(client, session));
    this.#registry.open(session, welcomeFrame(session.id));
    this.world.trace(`${name} opens`);
  }

  /** Returns whether a session has lost its connection and may come back. */
  isAway(client: Client): boolean {
    return this.#sessions.get(client)?.state === 'away';
  }

  /** Cuts the connection of a session; ends one that cannot come back. */
  lose(client: Client): void {
    this.world.trace(`${client.name} loses its connection`);
    const session = this.#sessions.get(client)!;
    if (session.resumption === null) return this.end(client);
    client.awaySinceMs = this.process.time.nowMs;
    this.#registry.lose(session, session.connection!, 1006);
  }

  /** Comes back on another connection, as the client of a session that is away does. */
  comeBack(client: Client): void {
    this.world.trace(`${client.name} comes back`);
    const session = this.#sessions.get(client)!;
    client.awaySinceMs = undefined;
    client.backMs = this.process.time.nowMs;
    this.#reportSeen(client, session);
    this.#registry.resume(session, this.#connection(client, session), welcomeFrame(session.id));
  }

  /** Ends a session as its client does. */
  end(client: Client): void {
    this.world.trace(`${client.name} ends`);
    const session = this.#sessions.get(client);
    if (session !== undefined) this.#registry.end(session, 1000);
  }

  /** Joins a room as a client does. */
  join(client: Client, room: string): void {
    this.world.trace(`${client.name} joins ${room}`);
    this.#groups.request(this.#sessions.get(client)!, 'sys.join', room);
  }

  /** Leaves a room as a client does. */
  leave(client: Client, room: string): void {
    this.world.trace(`${client.name} leaves ${room}`);
    this.#groups.request(this.#sessions.get(client)!, 'sys.leave', room);
  }

  /** Sends a message of a session. @param receiver the id of a session, `*`, a user or a room */
  send(client: Client, receiver: string): void {
    const { promises } = this.world;
    const number = promises.sent(client, receiver);
    const id = String(number);
    const rest = `"type":"x","receiver":"${receiver}","id":"${id}","data":${number}}`;
    const session = this.#sessions.get(client)!;
    try {
      this.#router.route(session, { type: 'x', receiver, id, data: id, rest });
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      promises.answered(client, number, error.code);
    }
  }

  /** Calls another node, which returns what it gets. */
  async call(nodeId: string, body: string): Promise<void> {
    const result = await this.backplane.rpc(nodeId, body);
    if (typeof result !== 'string' && result.reply !== body) this.world.promises.breach(`${this.name}: another reply`);
  }

  /** Ends the process without notice. */
  crash(): void {
    this.world.trace(`${this.name} crashes`);
    this.isLeaving = this.process.ended = true;
    void this.#dialer.link?.close();
    for (const client of this.#sessions.keys()) this.#ended(client);
    this.#sessions.clear();
  }

  /** Closes all sessions and leaves the cluster. */
  async drain(): Promise<void> {
    this.world.trace(`${this.name} drains`);
    this.isLeaving = true;
    for (const session of this.#sessions.values()) session.close(1012);
    await this.#localNode.onApplicationShutdown();
    this.process.ended = true;
  }

  /** Makes NATS forget a subscription of this node, without notice. */
  loseSubscription(): void {
    this.#lostSubscriptions++;
    this.#dialer.link?.loseSubscription();
  }

  /** Ends the connection to NATS from outside. */
  cut(): void {
    this.#dialer.link?.reset();
  }

  #connection(client: Client, session: Session): Connection {
    const sink = {
      writable: true,
      writableLength: 0,
      writableNeedDrain: false,
      send: (bytes: Uint8Array, length: number): void => {
        const texts = client.endedMs === undefined ? textsOf(Buffer.from(bytes.buffer, bytes.byteOffset, length)) : [];
        for (const text of texts) this.#receive(client, JSON.parse(text) as ServerMessage);
        queueMicrotask(() => this.#reportSeen(client, session)); // the replay buffer gets the frames after the write
      },
      cork: () => undefined,
      uncork: () => undefined,
      onceDrained: () => undefined,
    };
    return {
      sink,
      bytesRead: 0,
      bytesWritten: 0,
      takenBytes: 0,
      confirmedBytes: 0,
      isPaused: false,
      isPiped: false,
      stopReading: () => undefined,
      startReading: () => undefined,
      close: (code: number) => {
        session.outbox.flushAll();
        this.#registry.end(session, code);
      },
      terminate: () => undefined,
      onceClosed: () => undefined,
      countError: () => undefined,
    };
  }

  #receive(client: Client, message: ServerMessage): void {
    const { type, sender, receiver, ref, data } = message;
    const { promises, trace } = this.world;
    if (type !== 'sys.welcome') {
      client.frames++;
      trace(`${client.name} receives ${type} ${ref ?? promises.clients.get(sender)?.name ?? ''}`);
    }
    switch (type) {
      case 'sys.away':
        return promises.away.away(client, sender);
      case 'sys.back':
        return promises.away.back(client, sender);
      case 'sys.undelivered':
        return promises.notDelivered(client, Number(ref), (data as { receiver: string }).receiver);
      case 'x':
        return promises.received(client, sender, data as number);
      case 'sys.arrived':
        return promises.arrived(client, sender);
      case 'sys.departed':
        return promises.departed(client, sender);
      case 'sys.joined':
        return promises.groups.joined(client, receiver.slice(1), sender);
      case 'sys.left':
        return promises.groups.left(client, receiver.slice(1), sender, (data as { code?: number }).code);
      case 'sys.members': {
        const { room, sessions } = data as MembersPage;
        const ids = sessions.map((entry) => (typeof entry === 'string' ? entry : entry.id));
        return promises.groups.listed(client, room, ids);
      }
    }
    if (ref !== undefined) this.#onAnswer(client, ref, data as Answer);
  }

  /** Reports what a client has received, as its `sys.seen` does. */
  #reportSeen({ frames }: Client, session: Session): void {
    void resumptionOf(session)?.replay.forget(frames, true); // the client is honest
  }

  #onAnswer(client: Client, ref: string, answer: Answer): void {
    const { promises } = this.world;
    const [, room] = ref.split(' ');
    if (room === undefined) promises.answered(client, Number(ref), answer.status ?? answer.code ?? '', answer);
    else if (answer.status === 'left') promises.groups.left(client, room, client.id);
    else promises.breach(`${client.name}: ${ref} was answered ${answer.code}`);
  }

  #ended(client: Client): void {
    client.endedMs ??= this.process.time.nowMs;
  }

  #forget(client: Client): void {
    this.#ended(client);
    this.#sessions.delete(client);
  }

  /** A log whose errors are breaches, because no fault may throw. */
  #log(): Log {
    const { promises, trace } = this.world;
    const line = (message: string, fields: LogFields = {}): void => {
      trace(`${this.name}: ${message} ${JSON.stringify({ ...fields, session: undefined })}`);
      if (message === 'a node is dead') promises.declaredDead(String(fields['part']));
    };
    const error = (thrown: unknown): void => {
      const isExpected =
        String(thrown).startsWith('messages of this node do not come back') && this.#lostSubscriptions > 0;
      if (isExpected) this.#lostSubscriptions--;
      else promises.breach(`${this.name} logged ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
    };
    return { info: line, warn: line, error } as unknown as Log;
  }
}
