import { Inject, Injectable } from '@nestjs/common';
import { Backplane } from '../backplane/backplane.js';
import { Everyone } from '../messaging/everyone.js';
import { DEFAULT_PAGE, Fault, MAX_PAGE } from '../protocol/index.js';
import { sessionFacts } from '../sessions/session-facts.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { SessionsPage, SessionView } from './api.dto.js';
import { Problem } from './problem.js';

/** The sessions of all nodes as an operator sees them. */
@Injectable()
export class SessionViews {
  constructor(
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(Everyone) private readonly everyone: Everyone,
    @Inject(Backplane) private readonly backplane: Backplane,
  ) {}

  /** @throws {Problem} 400 for a limit that is none */
  async page(after: unknown, limit: unknown): Promise<SessionsPage> {
    const size = limit === undefined ? DEFAULT_PAGE : Number(limit);
    if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE)
      throw new Problem(400, 'invalid_query', `limit must be a whole number from 1 to ${MAX_PAGE}.`);
    if (after !== undefined && typeof after !== 'string')
      throw new Problem(400, 'invalid_query', 'after must come once.');
    const { sessions, ...rest } = this.everyone.page(after, size);
    const ids = sessions.map((entry) => (typeof entry === 'string' ? entry : entry.id));
    const elsewhere = await this.#elsewhere(ids.filter((id) => this.sessions.find(id) === undefined));
    return { sessions: ids.map((id) => this.#view(id) ?? elsewhere.get(id) ?? { id }), ...rest };
  }

  /** @throws {Problem} 404 where no session has this id, 503 where its node does not answer */
  async one(id: string): Promise<SessionView> {
    const view = this.#view(id) ?? (await this.#elsewhere([id])).get(id);
    if (view !== undefined) return view;
    if (this.everyone.has(id)) throw Fault.of('unavailable');
    throw notFound();
  }

  /** Closes a session with 4000. @throws {Problem} 404 where no session has this id, 503 where its node does not answer */
  async kick(id: string): Promise<void> {
    const session = this.sessions.find(id);
    if (session !== undefined) return session.close(4000);
    const refusal = await this.backplane.kick(id);
    if (refusal === 'receiver_not_found') throw notFound();
    if (refusal !== undefined) throw Fault.of(refusal);
  }

  #view(id: string): SessionView | undefined {
    const session = this.sessions.find(id);
    return session === undefined ? undefined : sessionFacts(session);
  }

  async #elsewhere(ids: readonly string[]): Promise<ReadonlyMap<string, SessionView>> {
    if (ids.length === 0) return new Map();
    const views = (await this.backplane.views(ids)) as readonly object[] as readonly SessionView[];
    return new Map(views.map((view) => [view.id, view]));
  }
}

function notFound(): Problem {
  return new Problem(404, 'session_not_found', 'No session has this id.');
}
