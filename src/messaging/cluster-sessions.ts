import { Injectable } from '@nestjs/common';
import { Backplane } from '../cluster/backplane.js';
import { checkClose, MessageError, type ServerCloseCode } from '../protocol/index.js';
import { sessionDetails, type SessionDetails } from '../sessions/session-details.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { IdPage } from '../sessions/sorted-ids.js';
import { SessionDirectory } from './session-directory.js';

/** A session of any node. Where its node does not answer in time, only `id` and `user` are there. */
export type DescribedSession = Pick<SessionDetails, 'id' | 'user'> & Partial<SessionDetails>;

/** One page of sessions of all nodes, in the order of their ids. */
export interface DescribedSessions {
  readonly sessions: readonly DescribedSession[];
  /** Number of all sessions in the list. */
  readonly total: number;
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/** The sessions of users on all nodes. Implemented by `groups/`, whose rank is higher. */
export interface UserSessions {
  ids(user: string): readonly string[];
}

/** Describes and closes the sessions of all nodes, for server code and the HTTP API. */
@Injectable()
export class ClusterSessions {
  #users: UserSessions | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly directory: SessionDirectory,
    private readonly backplane: Backplane,
  ) {}

  /** Registers the sessions of users. */
  registerUsers(users: UserSessions): void {
    this.#users = users;
  }

  /**
   * Returns the details of one session; `undefined` where no session has this id.
   *
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async find(id: string): Promise<SessionDetails | undefined> {
    const details = this.#local(id) ?? (await this.#remote([id])).get(id);
    if (details === undefined && this.directory.has(id)) throw MessageError.of('unavailable');
    return details;
  }

  /** Returns one page of all sessions. */
  page(after: string | undefined, limit: number): Promise<DescribedSessions> {
    return this.describe(this.directory.page(after, limit));
  }

  /** Describes the sessions of a page, in its order. */
  async describe({ sessions: ids, ...rest }: IdPage): Promise<DescribedSessions> {
    const remote = await this.#remote(ids.filter((id) => this.sessions.find(id) === undefined));
    return { sessions: ids.map((id) => this.#local(id) ?? remote.get(id) ?? this.#undescribed(id)), ...rest };
  }

  /**
   * Closes a session. Returns whether a session has this id.
   *
   * @throws {RangeError} for a code that no close frame may have
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async close(id: string, code: ServerCloseCode): Promise<boolean> {
    checkClose(code);
    const session = this.sessions.find(id);
    if (session === undefined) return this.#kick(id, code);
    session.close(code);
    return true;
  }

  /**
   * Closes all sessions of a user, and returns how many they were. Those of one node are closed at one moment, so that
   * they get no departures of each other. Tries each of them, also where one fails.
   *
   * @throws {RangeError} for a code that no close frame may have
   * @throws {MessageError} `unavailable` where the node of one of the sessions does not answer
   */
  async closeUser(user: string, code: ServerCloseCode): Promise<number> {
    checkClose(code);
    const ids = this.#users?.ids(user) ?? [];
    const local = ids.map((id) => this.sessions.find(id)).filter((session) => session !== undefined);
    const remoteIds = ids.filter((id) => this.sessions.find(id) === undefined);
    // Queued before the departures of the local sessions, so that the remote ones get none of them.
    const kicks = remoteIds.map((id) => this.#kick(id, code));
    this.sessions.closeAll(code, local);
    const results = await Promise.allSettled(kicks);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return local.length + results.filter((result) => result.status === 'fulfilled' && result.value).length;
  }

  /** Closes a remote session. @returns whether a session has this id @throws {MessageError} `unavailable` */
  async #kick(id: string, code: ServerCloseCode): Promise<boolean> {
    const failure = await this.backplane.kick(id, code);
    if (failure !== undefined && failure !== 'receiver_not_found') throw MessageError.of(failure);
    return failure === undefined;
  }

  #local(id: string): SessionDetails | undefined {
    const session = this.sessions.find(id);
    return session === undefined ? undefined : sessionDetails(session);
  }

  async #remote(ids: readonly string[]): Promise<ReadonlyMap<string, SessionDetails>> {
    if (ids.length === 0) return new Map();
    const details = (await this.backplane.sessionDetails(ids)) as readonly object[] as readonly SessionDetails[];
    return new Map(details.map((each) => [each.id, each]));
  }

  #undescribed(id: string): DescribedSession {
    const user = this.directory.userOf(id);
    return user === undefined ? { id } : { id, user };
  }
}
