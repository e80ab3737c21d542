import type { Identity } from '../../sessions/identity.js';

/** The kind of the RPC by which a node asks for a return to a session of another node. */
export const RETURN_RPC = 'resume';

/** Asks the node of a session for a pass: the offer of a client, which the asking node has identified. */
export interface ReturnRequest {
  /** The token of the session. */
  readonly token: string;
  /** Frames that the client has received. */
  readonly frames: number;
  readonly identity: Identity;
}

/**
 * The answer of the node of a session: a pass, the reason why there is no return, or that the node cannot accept one now.
 * `fingerprints` are those of the certificates at its TCP port, where that port has TLS.
 */
export type ReturnAnswer =
  | { readonly pass: string; readonly addresses: readonly string[]; readonly fingerprints?: readonly string[] }
  | { readonly reason: string }
  | { readonly unavailable: string };

type Fields = Readonly<Record<string, unknown>>;

/** Reads a request. @returns `undefined` for what is not a request, which a node of another version may send */
export function returnRequestOf(body: unknown): ReturnRequest | undefined {
  if (!isRecord(body)) return undefined;
  const { token, frames } = body;
  const identity = identityOf(body['identity']);
  const isValid = typeof token === 'string' && Number.isSafeInteger(frames) && identity !== undefined;
  return isValid ? { token, frames: frames as number, identity } : undefined;
}

/** Reads an answer. @returns `undefined` for anything else, which a node of another version may send */
export function returnAnswerOf(body: unknown): ReturnAnswer | undefined {
  if (!isRecord(body)) return undefined;
  const { pass, addresses, fingerprints, reason, unavailable } = body;
  if (typeof reason === 'string') return { reason };
  if (typeof unavailable === 'string') return { unavailable };
  if (typeof pass !== 'string' || !isTexts(addresses)) return undefined;
  if (fingerprints === undefined) return { pass, addresses };
  return isTexts(fingerprints) ? { pass, addresses, fingerprints } : undefined;
}

function identityOf(body: unknown): Identity | undefined {
  if (!isRecord(body)) return undefined;
  const { address, user, byGuard, subject, claims, expiresAt } = body;
  const isValid =
    typeof address === 'string' &&
    isOptional(user, 'string') &&
    isOptional(byGuard, 'boolean') &&
    isOptional(expiresAt, 'number') &&
    (subject === undefined || isRecord(subject)) &&
    (claims === undefined || isRecord(claims));
  // Every field is set, because identities of one shape cost less.
  return isValid ? ({ address, user, byGuard: byGuard ?? false, subject, claims, expiresAt } as Identity) : undefined;
}

function isOptional(value: unknown, type: 'string' | 'boolean' | 'number'): boolean {
  return value === undefined || typeof value === type;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
