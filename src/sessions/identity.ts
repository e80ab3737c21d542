/** The claims of a token that was verified. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** The subject of a certificate by its parts: `{ CN: 'ann', O: 'Example' }`. */
export type CertificateSubject = Readonly<Record<string, string | string[] | undefined>>;

/** Who a connection is, as far as it was proven before the upgrade; a token that is renewed changes its claims. */
export interface Identity {
  /** Where the client is, as far as we believe the proxies between. */
  readonly address: string;
  /** `sub` of its token. */
  readonly user: string | undefined;
  /** Of a certificate that a proxy has verified; what this process verifies itself is read from the socket. */
  readonly subject: CertificateSubject | undefined;
  claims: TokenClaims | undefined;
  /** When its token ends, seconds since 1970. */
  expiresAt: number | undefined;
}
