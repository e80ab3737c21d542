import { errors } from 'jose';

/** Problems of claims by name, where the value is not the required one. */
const WRONG_CLAIMS: Readonly<Record<string, string>> = {
  iss: 'the claim "iss" of the token is not AUTH_ISSUER',
  aud: 'the claim "aud" of the token does not contain AUTH_AUDIENCE',
  nbf: 'the token is not valid yet, see its claim "nbf"',
};

/** Reports why a token is refused. The message is for the log, and contains nothing of the token but claim names. */
export class TokenRefusal extends Error {
  /**
   * @param retryAfterMs after how long the token may be tried again, where it may be good and cannot be checked now;
   *   `undefined` where it is bad
   */
  constructor(
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }

  /** Makes a refusal of what the verification of a token has thrown. */
  static of(error: unknown): TokenRefusal {
    if (error instanceof TokenRefusal) return error;
    if (error instanceof errors.JWTExpired) return new TokenRefusal('the token has expired, see its claim "exp"');
    if (error instanceof errors.JWTClaimValidationFailed) return new TokenRefusal(claimProblem(error));
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return new TokenRefusal('the signature of the token is wrong');
    return new TokenRefusal('the token is malformed: it is not a signed JWT');
  }
}

function claimProblem({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `the token has no claim "${claim}"`;
  const wrong = reason === 'check_failed' ? WRONG_CLAIMS[claim] : undefined;
  return wrong ?? `the claim "${claim}" of the token has a wrong type`;
}
