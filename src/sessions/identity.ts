/** The claims of a token that was verified. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** Who a connection is, as far as it was proven before the upgrade; a token that is renewed changes its claims. */
export interface Identity {
  /** Where the client is, as far as we believe the proxies between. */
  readonly address: string;
  /** `sub` of its token. */
  readonly user: string | undefined;
  claims: TokenClaims | undefined;
  /** When its token ends, seconds since 1970. */
  expiresAt: number | undefined;
}
