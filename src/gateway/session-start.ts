import { Injectable } from '@nestjs/common';
import {
  ABNORMAL,
  PROTOCOL_VERSION,
  welcomeFrame,
  welcomeFrames,
  type Frame,
  type Welcome,
} from '../protocol/index.js';
import { Resumptions, type Return } from '../resume/resumptions.js';
import type { Identity } from '../sessions/identity.js';
import { SessionRateLimiter } from '../sessions/session-rate-limiter.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { Counters } from '../telemetry/counters.js';
import { TokenRenewal } from './auth/token-renewal.js';
import type { GatewaySocket } from './gateway-socket.js';
import { comesBack, type AdmittedClient } from './handshake/connection-places.js';

/** The fields of a welcome. */
type WelcomeData = Pick<Welcome, keyof Welcome>;

/** Gives each accepted socket its session: a new one, or the one to which its client comes back. */
@Injectable()
export class SessionStart {
  readonly #welcome: WelcomeData;
  readonly #welcomeFrame: (session: string) => Frame;

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly resumptions: Resumptions,
    private readonly tokenRenewal: TokenRenewal,
    private readonly settings: Settings,
    private readonly counters: Counters,
  ) {
    const { heartbeatMs, maxMessageBytes, noticeScope } = settings;
    this.#welcome = { protocol: PROTOCOL_VERSION, heartbeatMs, maxMessageBytes, notices: noticeScope };
    this.#welcomeFrame = welcomeFrames(this.#welcome);
    sessions.addListener('limits', { restored: (session) => this.#limitRates(session) });
  }

  /**
   * Starts the session of a socket whose handshake was admitted. Frames are read in a later tick.
   *
   * @param hooks run before others are notified of a new session, or behind the return to an old one
   */
  start(socket: GatewaySocket, { identity, resume }: AdmittedClient, hooks: () => void): void {
    if (comesBack(resume)) return this.#return(socket, resume, identity, hooks);
    const session = this.sessions.create(identity);
    this.#limitRates(session);
    const welcome = resume === undefined ? this.#welcomeFrame(session.id) : this.#resumable(session, resume.reason);
    socket.attach(session);
    this.sessions.open(session, welcome, () => {
      hooks();
      if (socket.sink.socket.destroyed) this.sessions.lose(session, socket, ABNORMAL); // its `close` follows
    });
  }

  #limitRates(session: Session): void {
    session.rateLimiter = SessionRateLimiter.of(this.settings, this.counters);
  }

  #resumable(session: Session, reason: Extract<AdmittedClient['resume'], { reason: unknown }>['reason']): Frame {
    const resumption = this.resumptions.begin(session);
    return welcomeFrame(session.id, { ...this.#welcome, ...this.resumptions.welcome(session, resumption, reason) });
  }

  /** Replaces the connection of a session, where there is one, and sends what the client has not seen. */
  #return(socket: GatewaySocket, returned: Return, identity: Identity, hooks: () => void): void {
    const { session, resumption } = returned;
    const { connection, identity: former } = session;
    if (connection !== undefined && !session.closed) {
      this.sessions.lose(session, connection, 4001);
      connection.close(4001);
    }
    if (session.closed) return socket.close(1012); // ended meanwhile: the client reconnects to a new session
    this.resumptions.prepare(returned, identity);
    const welcome = { ...this.#welcome, ...this.resumptions.welcomeBack(session, resumption) };
    socket.session = session;
    this.sessions.resume(session, socket, welcomeFrame(session.id, welcome));
    this.tokenRenewal.returned(session, former);
    hooks();
  }
}
