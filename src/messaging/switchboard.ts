import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import { checkClose, EVERYONE, isGroup, MessageError, SERVER, type ServerCloseCode } from '../protocol/index.js';
import type { SessionDetails } from '../sessions/session-details.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Broadcaster, localOnly } from './broadcaster.js';
import { ClusterSessions, type DescribedSessions } from './cluster-sessions.js';
import { EncodedMessage, idsOf, kindOf } from './encoded-message.js';
import { GroupRoutes, NO_RECEIVERS } from './group-routes.js';
import { MessageRouter } from './message-router.js';
import { pageLimit, type PageRequest } from './page-request.js';
import type { DeliveryStatus } from './remote-delivery.js';

/** A receiver that is a user or a room. */
export type GroupReceiver = `@${string}` | `#${string}`;

/** One page of this node's sessions, in the order of their ids. */
export interface ListedSessions {
  readonly sessions: readonly Session[];
  /** All sessions of this node. */
  readonly total: number;
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/** Sends messages and finds sessions. Inject it into a handler. */
@Injectable()
export class Switchboard {
  constructor(
    private readonly router: MessageRouter,
    private readonly broadcaster: Broadcaster,
    private readonly sessions: SessionRegistry,
    private readonly groupRoutes: GroupRoutes,
    private readonly clusterSessions: ClusterSessions,
  ) {}

  /**
   * Sends one message in the name of a session or of the server, without waiting. The node of a remote receiver may
   * still refuse the message. The sender of a message to a room may be no member.
   *
   * @param receiver a session's id, `"*"` for every session but the sender, `"@USER"` for every session of the user but the
   *   sender, or `"#ROOM"` for every member of the room but the sender
   * @param data any JSON value; `undefined` omits the field `data`
   * @throws {MessageError} `receiver_not_found` where no session has this id, or the user has no other session;
   *   `receiver_overloaded`, for a user where all of its sessions are; `unavailable`; `invalid_message` for a receiver that
   *   begins with `@` or `#` and cannot be a user or a room
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold
   */
  send(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): void {
    if (receiver === EVERYONE) return void this.broadcast(sender, type, data);
    const delivering = this.#send(sender, receiver, type, data);
    // Only `deliver` reports a failure on another node. An unhandled rejection would end the process.
    if (delivering instanceof Promise) void delivering.catch(() => undefined);
  }

  /**
   * Sends one message and resolves when it is on the connection of its receiver, on whatever node; for a user or a room,
   * when it is on the connections of all their sessions but the sender. Resolves alike where the message is kept for a
   * session that is away.
   *
   * @param receiver as in {@link send}
   * @returns for a user or a room, how many sessions got the message, for how many that are away it is kept, and how many
   *   were skipped because they read too slowly; nobody gets it in a room without other members
   * @throws {MessageError} as {@link send}; `unavailable` for a user or a room also where the sessions of one node may have
   *   missed the message
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold
   */
  deliver(
    sender: Session | typeof SERVER,
    receiver: GroupReceiver,
    type: string,
    data?: unknown,
  ): Promise<GroupReceipt>;
  deliver(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): Promise<void>;
  async deliver(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): Promise<unknown> {
    if (receiver === EVERYONE) {
      this.broadcast(sender, type, data);
      return undefined;
    }
    const result = await this.#send(sender, receiver, type, data);
    return typeof result === 'string' ? undefined : result;
  }

  /**
   * Sends one message to each of these sessions but the sender, without waiting. The node of a remote receiver may still
   * refuse the message. Returns how many receivers were skipped because they have left or read too slowly, or because
   * their node is unreachable.
   *
   * @param receivers sessions, or ids of sessions; a departed session is skipped
   * @param data any JSON value, encoded once; `undefined` omits the field `data`
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold, and for a receiver that
   *   is not a single session; nothing is sent then
   */
  multicast(
    sender: Session | typeof SERVER,
    receivers: Iterable<Session | string>,
    type: string,
    data?: unknown,
  ): number {
    const message = new EncodedMessage(sender, type, data);
    const ids = idsOf(receivers);
    if (!this.#announce(sender)) return 0;
    let skipped = 0;
    let sentBytes = 0;
    for (const id of ids) {
      if (id === message.senderId) continue;
      const frame = message.frameFor(id);
      try {
        void this.router.deliver(sender, id, frame);
        sentBytes += frame.length;
      } catch (error) {
        if (!(error instanceof MessageError)) throw error;
        skipped++;
      }
    }
    if (sender !== SERVER) sender.outbox.chargeTurn(sentBytes);
    return skipped;
  }

  /**
   * Sends one message to every session but the sender. Returns the local sessions skipped because they read too slowly.
   *
   * @param data any JSON value; `undefined` omits the field `data`
   * @throws {MessageError} `unavailable` where only the sessions of this node received it
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold
   */
  broadcast(sender: Session | typeof SERVER, type: string, data?: unknown): number {
    const frame = new EncodedMessage(sender, type, data).frameFor(EVERYONE);
    if (!this.#announce(sender)) return 0;
    const { skipped, complete } = this.broadcaster.broadcast(frame, sender === SERVER ? undefined : sender);
    if (!complete) throw localOnly();
    return skipped;
  }

  /** Returns the local session with this id; `undefined` once it has departed. */
  find(id: string): Session | undefined {
    return this.sessions.find(id);
  }

  /**
   * Lists one page of this node's sessions.
   *
   * @throws {RangeError} where `limit` is out of range
   */
  list(page: PageRequest = {}): ListedSessions {
    const { sessions, ...rest } = this.sessions.page(page.after, pageLimit(page));
    const found = sessions.map((id) => this.sessions.find(id));
    return { sessions: found.filter((session) => session !== undefined), ...rest };
  }

  /**
   * Closes a local session once everything sent to it is written. Returns whether a session has this id.
   *
   * @param code a close code of the protocol; after 4000 `kicked` a client does not reconnect
   * @throws {RangeError} for a code that no close frame may have; the session stays open
   * @throws {TypeError} for an id that is not a string
   */
  close(id: string, code: ServerCloseCode = 4000): boolean {
    checkText('close', id, 'the id of a session');
    checkClose(code);
    const session = this.sessions.find(id);
    session?.close(code);
    return session !== undefined;
  }

  /**
   * Returns the details of a session on any node; `undefined` where no session has this id.
   *
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async findAnywhere(id: string): Promise<SessionDetails | undefined> {
    checkText('findAnywhere', id, 'the id of a session');
    return this.clusterSessions.find(id);
  }

  /**
   * Lists one page of the sessions of all nodes. A session whose node does not answer has only `id` and `user`.
   *
   * @throws {RangeError} where `limit` is out of range
   */
  async listAll(page: PageRequest = {}): Promise<DescribedSessions> {
    return this.clusterSessions.page(page.after, pageLimit(page));
  }

  /**
   * Does the same as {@link close} for a session on any node.
   *
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async closeAnywhere(id: string, code: ServerCloseCode = 4000): Promise<boolean> {
    checkText('closeAnywhere', id, 'the id of a session');
    return this.clusterSessions.close(id, code);
  }

  /**
   * Closes all sessions of a user on all nodes, and returns how many they were. A session that opens meanwhile may stay.
   *
   * @param user `sub` of the tokens, without `@`
   * @throws {MessageError} `unavailable` where the node of one of the sessions does not answer; the others are closed
   */
  async closeUser(user: string, code: ServerCloseCode = 4000): Promise<number> {
    checkText('closeUser', user, 'a user');
    return this.clusterSessions.closeUser(user, code);
  }

  #send(
    sender: Session | typeof SERVER,
    receiver: string,
    type: string,
    data: unknown,
  ): Promise<GroupReceipt | DeliveryStatus> | GroupReceipt | DeliveryStatus | undefined {
    const frame = new EncodedMessage(sender, type, data).frameFor(receiver);
    const isToGroup = isGroup(receiver);
    if (!this.#announce(sender)) return isToGroup ? NO_RECEIVERS : undefined;
    return isToGroup
      ? this.groupRoutes.router.deliver(sender, receiver, frame)
      : this.router.deliver(sender, receiver, frame);
  }

  /** Announces the sender of a message. @returns `false` where the sender has left, and nothing may be sent */
  #announce(sender: Session | typeof SERVER): boolean {
    if (sender === SERVER) return true;
    if (!sender.closed) this.sessions.announce(sender);
    return !sender.closed;
  }
}

function checkText(method: string, value: unknown, what: string): void {
  if (typeof value !== 'string') throw new TypeError(`${method} takes ${what}, and not ${kindOf(value)}`);
}
