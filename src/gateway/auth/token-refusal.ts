import { errors } from 'jose';

/** Reports why a token is refused. The message is for the log, and contains nothing of the token but claim names. */
export class TokenRefusal extends Error {
  /** @param keysMissing whether the token could not be checked, because its keys cannot be loaded */
  constructor(
    message: string,
    readonly keysMissing = false,
  ) {
    super(message);
  }

  /** Makes a refusal of what the verification of a token has thrown. Messages of `jose` name claims, never values. */
  static of(error: unknown): TokenRefusal {
    if (error instanceof TokenRefusal) return error;
    if (error instanceof errors.JWTExpired) return new TokenRefusal('the token has expired, see its claim "exp"');
    return new TokenRefusal(error instanceof errors.JOSEError ? `token: ${error.message}` : 'the token is not a JWT');
  }
}
