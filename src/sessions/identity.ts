const MAX_USER_CHARACTERS = 256;
/** Says which text {@link toUser} accepts. */
export const USER_RULE = `well-formed text of 1 to ${MAX_USER_CHARACTERS} characters, or a whole number within ±(2^53 - 1)`;
/** Half of a character of UTF-16. Other nodes would read another text. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The claims of a verified token. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** The subject of a certificate by attribute: `{ CN: 'ann', O: 'Example' }`. */
export type CertificateSubject = Readonly<Record<string, string | string[] | undefined>>;

/** Facts about a client that were proven before the upgrade. `TokenRenewal` replaces the claims and the expiry. */
export interface Identity {
  /** Address of the client, resolved through trusted proxies; `unix:` where the proxy at the Unix socket sends none. */
  readonly address: string;
  /** `sub` of the token, or the user that a `ConnectGuard` supplied. */
  readonly user: string | undefined;
  /** Whether a `ConnectGuard` supplied the user, so that no token can renew the session. */
  readonly byGuard?: boolean;
  /**
   * Subject of a certificate that a trusted proxy verified. Certificates verified by this process stay on the socket.
   */
  readonly subject: CertificateSubject | undefined;
  claims: TokenClaims | undefined;
  /** When the token expires, seconds since 1970. */
  expiresAt: number | undefined;
}

/** The part of an identity that a token or a `ConnectGuard` proves. */
export type Credentials = Pick<Identity, 'user' | 'byGuard' | 'claims' | 'expiresAt'>;

/**
 * Returns the user that a value names. A whole number is its decimal text.
 *
 * @returns `undefined` for any other value; for a fraction, a number that JavaScript has rounded, and a text that is not
 *   well-formed Unicode, because two users could become one
 */
export function toUser(value: unknown): string | undefined {
  const user = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof user !== 'string' || user === '' || user.length > MAX_USER_CHARACTERS) return undefined;
  return LONE_SURROGATE.test(user) ? undefined : user;
}
