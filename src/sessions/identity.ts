const MAX_USER_CHARACTERS = 256;
/** Says which text {@link isUser} accepts. */
export const USER_RULE = `a text of 1 to ${MAX_USER_CHARACTERS} characters`;

/** The claims of a verified token. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** The subject of a certificate by attribute: `{ CN: 'ann', O: 'Example' }`. */
export type CertificateSubject = Readonly<Record<string, string | string[] | undefined>>;

/** Facts about a client that were proven before the upgrade. `TokenRenewal` replaces the claims and the expiry. */
export interface Identity {
  /** Address of the client, resolved through trusted proxies; empty for a Unix socket. */
  readonly address: string;
  /** `sub` of the token. */
  readonly user: string | undefined;
  /**
   * Subject of a certificate that a trusted proxy verified. Certificates verified by this process stay on the socket.
   */
  readonly subject: CertificateSubject | undefined;
  claims: TokenClaims | undefined;
  /** When the token expires, seconds since 1970. */
  expiresAt: number | undefined;
}

export function isUser(user: unknown): user is string {
  return typeof user === 'string' && user !== '' && user.length <= MAX_USER_CHARACTERS;
}
