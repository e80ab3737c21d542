import { SignJWT } from 'jose';

/** Claims of a token beside `sub` and `exp`. */
export type TestClaims = Readonly<Record<string, unknown>>;

/** Seconds until a token expires. */
const LIFETIME_S = 3600;

/** Signs a token as an identity provider does. @param secret the setting `authSecret` of the server */
export async function signedToken(user: string, claims: TestClaims, secret: string): Promise<string> {
  const expiresAtS = Math.floor(Date.now() / 1000) + LIFETIME_S;
  return new SignJWT({ exp: expiresAtS, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .sign(new TextEncoder().encode(secret));
}
