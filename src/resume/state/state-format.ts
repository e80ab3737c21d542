import { isNodeId, nodeIdOf } from '../../protocol/index.js';
import type { Identity } from '../../sessions/identity.js';
import { SECRET_CHARACTERS } from '../session-resumption.js';

/** First field of the file, by which other files are refused. */
const FORMAT = 'switchboard.sessions';
/** Raised when a field changes its meaning. A process refuses the file of another version. */
export const STATE_VERSION = 1;
const SECRET = new RegExp(`^[A-Za-z0-9_-]{${SECRET_CHARACTERS}}$`);
/** Bytes of the names of the fields that follow the details, and of the number. */
const FIELD_BYTES = 64;

/**
 * The first line of the file. One line for each session follows, and `{"sha256":"…"}` is the last line: the hash of all
 * bytes before that line.
 */
export interface StateHeader {
  /** When the sessions were saved, Unix time. */
  readonly savedAtMs: number;
  /** Id of the node, which begins each session id. */
  readonly nodeId: string;
  /** Number of sessions. */
  readonly sessions: number;
}

/** Token and counts of a session. */
export interface SavedResumption {
  /** The secret of the token. */
  readonly secret: string;
  /** The secret before, where it is still good. */
  readonly previousSecret?: string;
  /** Text frames of the client that had their effect. */
  readonly received: number;
  /** Text frames that the client has seen. */
  readonly seen: number;
  /** `sys.seen` of the client so far. */
  readonly reports: number;
}

/** A session as another process takes it up, apart from the frames that its client has not seen. */
export interface SavedSession {
  readonly id: string;
  /** When the session opened, Unix time. */
  readonly openedAtMs: number;
  readonly identity: Identity;
  /** Milliseconds for which the session was away when it was saved. */
  readonly awayMs: number;
  /** Close code with which the connection was lost. */
  readonly code: number;
  readonly resumption: SavedResumption;
  /** Data of `SessionParts`. */
  readonly parts: Readonly<Record<string, unknown>>;
}

/** A session that is about to be written: its details are a JSON text, because the objects may change meanwhile. */
export interface SessionSnapshot {
  /** A {@link SavedSession} as JSON. */
  readonly details: string;
  /** Bytes of the frames that the client has not seen, in order. */
  readonly unseen: readonly Uint8Array[];
  readonly unseenFrames: number;
}

/** A session as read from the file. */
export interface RestorableSession extends SavedSession {
  /** Bytes of the frames that the client has not seen. */
  readonly unseen: Buffer;
  readonly unseenFrames: number;
}

/** Reports a file that is not taken up or not written. The message is the reason, in words for the log. */
export class StateError extends Error {}

export function headerLine(header: StateHeader): string {
  return JSON.stringify({ format: FORMAT, version: STATE_VERSION, ...header });
}

/** Returns one line with the details of a session, and its unseen frames in base64. */
export function sessionLine({ details, unseen, unseenFrames }: SessionSnapshot): string {
  const base64 = Buffer.concat(unseen).toString('base64');
  return `${details.slice(0, -1)},"unseenFrames":${unseenFrames},"unseen":"${base64}"}`;
}

/** Returns about how many bytes {@link sessionLine} takes. */
export function estimatedBytes(details: string, unseenBytes: number): number {
  return Buffer.byteLength(details) + FIELD_BYTES + Math.ceil(unseenBytes / 3) * 4;
}

export function trailerLine(sha256: string): string {
  return JSON.stringify({ sha256 });
}

/** @throws {StateError} for another format or version, and for a line that is not a header */
export function parseHeader(line: Buffer | undefined): StateHeader {
  const header = recordIn(line);
  if (header?.['format'] !== FORMAT) throw new StateError('it is not a file of saved sessions');
  if (header['version'] !== STATE_VERSION)
    throw new StateError(`it has version ${String(header['version'])}, and this process reads ${STATE_VERSION}`);
  const { savedAtMs, nodeId, sessions } = header;
  if (!isCount(savedAtMs) || !isCount(sessions) || typeof nodeId !== 'string' || !isNodeId(nodeId))
    throw new StateError('its first line is damaged');
  return { savedAtMs, nodeId, sessions };
}

/** Returns the hash in the last line; `undefined` where the line is another one, because the file was cut. */
export function parseTrailer(line: Buffer | undefined): string | undefined {
  const sha256 = recordIn(line)?.['sha256'];
  return typeof sha256 === 'string' ? sha256 : undefined;
}

/**
 * Reads the line of a session; `undefined` for a line of another form, which no version writes. Folders check the parts that
 * they keep.
 */
export function parseSession(line: Buffer, { nodeId }: StateHeader): RestorableSession | undefined {
  const record = recordIn(line);
  if (record === undefined) return undefined;
  const { id, openedAtMs, identity, awayMs, code, resumption, parts, unseen, unseenFrames } = record;
  const isValid =
    typeof id === 'string' &&
    nodeIdOf(id) === nodeId &&
    [openedAtMs, awayMs, code, unseenFrames].every(isCount) &&
    isRecord(identity) &&
    typeof identity['address'] === 'string' &&
    isSavedResumption(resumption) &&
    isRecord(parts) &&
    typeof unseen === 'string';
  return isValid
    ? { ...(record as unknown as SavedSession & { unseenFrames: number }), unseen: Buffer.from(unseen, 'base64') }
    : undefined;
}

function isSavedResumption(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { secret, previousSecret, received, seen, reports } = value;
  return (
    isSecret(secret) &&
    (previousSecret === undefined || isSecret(previousSecret)) &&
    [received, seen, reports].every(isCount)
  );
}

function isSecret(value: unknown): boolean {
  return typeof value === 'string' && SECRET.test(value);
}

function recordIn(line: Buffer | undefined): Readonly<Record<string, unknown>> | undefined {
  if (line === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(line.toString());
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
