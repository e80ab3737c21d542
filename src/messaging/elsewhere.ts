import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Backplane, type Node, type Place, type Refusal, type View } from '../backplane/backplane.js';
import type { Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { sessionFacts } from '../sessions/session-facts.js';
import { Everyone } from './everyone.js';
import { MessageRouter } from './message-router.js';
import { Notices } from './notices.js';

/** What becomes on this node of what happens on others, and the other way round. */
@Injectable()
export class Elsewhere implements Node, OnApplicationBootstrap, OnApplicationShutdown {
  #worker: ((work: unknown) => Promise<unknown>) | undefined;

  constructor(
    @Inject(Backplane) private readonly backplane: Backplane,
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(MessageRouter) private readonly router: MessageRouter,
    @Inject(Notices) private readonly notices: Notices,
    @Inject(Everyone) private readonly everyone: Everyone,
  ) {
    sessions.observe({
      arrived: ({ id, user }) => backplane.arrived({ id, user }),
      departed: ({ id }, code) => backplane.departed(id, code),
    });
  }

  /** Before anything listens: the first session must find out who is where. */
  onApplicationBootstrap(): Promise<void> {
    return this.backplane.start(this);
  }

  onApplicationShutdown(): Promise<void> {
    return this.backplane.stop();
  }

  *here(): Iterable<Place> {
    for (const { id, user } of this.sessions.all()) yield { id, user };
  }

  deliver(sender: string, receiver: string, frame: Frame): Refusal | undefined {
    return this.router.deliverFrom(sender, receiver, frame);
  }

  /** The bytes lie in a chunk of the backplane's; what waits for a slow session must not hold that. */
  broadcast(_sender: string, frame: Frame): void {
    this.router.fanOut(Buffer.from(frame) as Frame);
  }

  arrivedElsewhere({ id, user }: Place): void {
    this.everyone.arrivedElsewhere(id, user);
    this.notices.arrivedElsewhere(id, user);
  }

  departedElsewhere(id: string, code: number): void {
    this.everyone.departedElsewhere(id);
    this.notices.departedElsewhere(id, code);
  }

  kick(id: string): boolean {
    const session = this.sessions.find(id);
    session?.close(4000);
    return session !== undefined;
  }

  views(ids: readonly string[]): View[] {
    return ids.flatMap((id) => {
      const session = this.sessions.find(id);
      return session === undefined ? [] : [{ ...sessionFacts(session) }];
    });
  }

  /** Sets what does the work that other nodes ask for. */
  workWith(worker: (work: unknown) => Promise<unknown>): void {
    this.#worker = worker;
  }

  async work(work: unknown): Promise<unknown> {
    return this.#worker?.(work);
  }

  givenUp(): void {
    for (const session of this.sessions.endAll(1012)) session.close(1012);
  }
}
