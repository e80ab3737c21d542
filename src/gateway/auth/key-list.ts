import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** Keys of one JWKS, because a token without `kid` is verified with each of them. */
const MAX_KEYS = 64;
/** RFC 7518, 3.3: shorter keys must not be used. */
const MIN_RSA_BITS = 2048;

/** Some servers put it before their JSON. */
const BYTE_ORDER_MARK = /^\uFEFF/;

/** The parts of a token header that choose its key. */
export interface KeyChoice {
  readonly alg: string;
  readonly kid?: string;
}

interface ListedKey {
  readonly kid: string | undefined;
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

/** The public keys of a JWKS (RFC 7517) that can verify tokens. All other keys of the JWKS are passed over. */
export class KeyList {
  private constructor(private readonly keys: readonly ListedKey[]) {}

  /** @throws {Error} for a text that is not a JWKS, or that has no usable key or too many */
  static parse(text: string): KeyList {
    const set = jsonOf(text);
    if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys))
      throw new Error('not a JWKS, which is an object with the array "keys"');
    if (set.keys.length > MAX_KEYS) throw new Error(`more than ${MAX_KEYS} keys`);
    const keys = set.keys.flatMap((jwk: unknown) => listedKey(jwk) ?? []);
    if (keys.length === 0) throw new Error('no key for signatures with RS256, ES256 or EdDSA');
    return new KeyList(keys);
  }

  /**
   * Returns the keys that may have signed a token: those of its algorithm with its `kid`, with no `kid`, or all where the
   * token has no `kid`.
   */
  fitting({ alg, kid }: KeyChoice): KeyObject[] {
    return this.keys
      .filter((each) => each.algorithms.includes(alg))
      .filter((each) => kid === undefined || each.kid === undefined || each.kid === kid)
      .map(({ key }) => key);
  }

  /** Returns whether a key of this list has the `kid` and the algorithm of a token. */
  names({ alg, kid }: KeyChoice): boolean {
    return kid !== undefined && this.keys.some((each) => each.kid === kid && each.algorithms.includes(alg));
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(BYTE_ORDER_MARK, ''));
  } catch {
    throw new Error('not JSON');
  }
}

/** Returns a key for signatures; `undefined` for one of another use or algorithm, and for one that is broken or too short. */
function listedKey(jwk: unknown): ListedKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kid, alg, use = 'sig', key_ops: operations = ['verify'] } = jwk as Record<string, unknown>;
  if (use !== 'sig' || !Array.isArray(operations) || !operations.includes('verify')) return undefined;
  const key = publicKey(jwk);
  const algorithms = key === undefined ? [] : algorithmsOf(key);
  if (key === undefined || (alg === undefined ? algorithms.length === 0 : !algorithms.some((each) => each === alg)))
    return undefined;
  return { kid: typeof kid === 'string' ? kid : undefined, algorithms, key };
}

/** Reads the public members alone, because some sets contain private keys. */
function publicKey(jwk: object): KeyObject | undefined {
  const { kty, n, e, crv, x, y } = jwk as Record<string, unknown>;
  try {
    return createPublicKey({ key: { kty, n, e, crv, x, y } as JsonWebKey, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Returns the algorithms that accept a key. Each accepts its own kind of key only (RFC 8725, 3.1). */
function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS) return ['RS256'];
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return ['ES256'];
  return asymmetricKeyType === 'ed25519' ? ['EdDSA', 'Ed25519'] : [];
}
