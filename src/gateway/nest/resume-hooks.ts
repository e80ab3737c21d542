import { Injectable } from '@nestjs/common';
import { resumptionOf } from '../../resume/session-resumption.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { GatewayInstances } from './gateway-instances.js';
import { HookCaller } from './hook-caller.js';

/** Implemented by gateways that run code when a session loses its connection and its client may come back. */
export interface OnSessionAway {
  /**
   * Runs when the connection is lost. Handlers of the session go on, and what they send is kept for the client.
   *
   * @param code close code of the connection; 1005 for an empty close frame, 1006 for a lost connection
   */
  onSessionAway(session: Session, code: number): void | Promise<void>;
}

/** How a client came back to its session. */
export interface SessionReturn {
  /** Milliseconds for which the session was without a connection. */
  readonly awayMs: number;
  /** Whether the process was restarted meanwhile: each `SessionState` without a key begins anew. */
  readonly restarted: boolean;
}

/** Implemented by gateways that run code when a client comes back to its session. */
export interface OnSessionBack {
  /** Runs behind the welcome, and before the first new message of the client. Messages do not wait for a returned promise. */
  onSessionBack(session: Session, sessionReturn: SessionReturn): void | Promise<void>;
}

/** Calls the hooks of sessions whose connections are lost and replaced. */
@Injectable()
export class ResumeHooks implements SessionListener {
  constructor(
    private readonly registry: SessionRegistry,
    private readonly gateways: GatewayInstances,
    private readonly caller: HookCaller,
  ) {}

  /** Begins to call the hooks. Costs nothing where no gateway has any; a scoped gateway may have them. */
  start(): void {
    if (this.gateways.mayHave('onSessionAway') || this.gateways.mayHave('onSessionBack'))
      this.registry.addListener('hooks', this);
  }

  away(session: Session, code: number): void {
    for (const each of this.gateways.of(session)) void this.caller.call(each, 'onSessionAway', session, session, code);
  }

  back(session: Session): void {
    const resumption = resumptionOf(session);
    if (resumption === undefined) return;
    const { awayMs, isRestored: restarted } = resumption;
    const sessionReturn: SessionReturn = { awayMs, restarted };
    for (const each of this.gateways.of(session))
      void this.caller.call(each, 'onSessionBack', session, session, sessionReturn);
  }
}
