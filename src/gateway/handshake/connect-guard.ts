import type { IncomingMessage } from 'node:http';
import type { CertificateSubject, TokenClaims } from '../../sessions/identity.js';

/** The statuses with which an application may refuse a handshake. */
export type RefusalStatus = 401 | 403 | 429;

/** A handshake that has passed every check of the server, before its upgrade. */
export interface ConnectAttempt {
  /** The upgrade request, with its headers and URL. Nothing can be read from its body or written to its socket. */
  readonly request: IncomingMessage;
  /** Address of the client, resolved through trusted proxies. */
  readonly address: string;
  /** `sub` of the verified token; `undefined` where there is no token. */
  readonly user: string | undefined;
  /** Claims of the verified token. */
  readonly claims: TokenClaims | undefined;
  /** When the token expires, seconds since 1970. */
  readonly expiresAt: number | undefined;
  /** Subject of a client certificate that a trusted proxy verified. */
  readonly certificateSubject: CertificateSubject | undefined;
  /** Aborted when the result no longer counts: the client has left, the time is over or the node drains. */
  readonly signal: AbortSignal;
}

/** The user of a session, in place of that of a token. */
export interface ConnectIdentity {
  /** 1 to 256 characters of well-formed Unicode, or a whole number, which is its decimal text. */
  readonly user: string | number;
  /** Claims of the session, which `@Claims()` gives to handlers; frozen. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Seconds since 1970, at which the session is closed with 4102. Without it the session has no such end. */
  readonly expiresAt?: number | undefined;
}

/** Answers a handshake with a status and the body `{"error":{"code":"refused","message"}}`. */
export interface ConnectRefusal {
  readonly status: RefusalStatus;
  readonly message?: string | undefined;
  /** Further headers of the response. */
  readonly headers?: Readonly<Record<string, string | number>> | undefined;
  /** The header `Retry-After`; 5 for 429 by default. */
  readonly retryAfterSeconds?: number | undefined;
}

/** `true` admits the client, with its token if any; an identity admits it as that user; `false` is a 403. */
export type ConnectVerdict = boolean | ConnectIdentity | ConnectRefusal;

/**
 * The application's own check of a handshake. Provide one class that extends this one, in any module. The check runs
 * behind all others and before the upgrade, so that no session, hook or notice knows of a client that is refused.
 */
export abstract class ConnectGuard {
  /**
   * Decides about a handshake within `HANDSHAKE_TIMEOUT_MS`; one that takes longer is answered 503 `unavailable`.
   *
   * @throws an `HttpException` of the range 4xx refuses with its status, or 403, and its text; a `WsException` with 403;
   *   any other exception is logged and answered 503 `unavailable`
   */
  abstract canConnect(attempt: ConnectAttempt): ConnectVerdict | Promise<ConnectVerdict>;
}
