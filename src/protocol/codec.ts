import { MessageError } from './tables/errors.js';
import { textFrame, type Frame } from './frame.js';
import { RESERVED_PREFIX } from './tables/limits.js';
import { topLevelProperties, type JsonProperty } from './json-properties.js';
import { CLIENT_FIELDS, firstViolation, MessageDto } from './message.dto.js';

/** The part of a message that a handler or the server itself needs. */
export interface ServerRequest {
  readonly type: string;
  /** The sender's own reference. */
  readonly id: string | undefined;
  /** The raw JSON text of `data`, unchanged; `undefined` where it is absent. */
  readonly data: string | undefined;
}

/** A message that was read and checked. */
export interface Envelope extends ServerRequest {
  readonly receiver: string | undefined;
  /** Everything after the stamped sender: `"type":…}`, in the sender's own order and spelling. */
  readonly rest: string;
}

/**
 * Reads one message, checks every rule of the envelope and says precisely what is wrong: the slow and exact way.
 *
 * @param text the text frame, valid UTF-8
 * @throws {MessageError} `malformed_json` or `invalid_message`, with the `id` as `ref` where one can be read
 */
export function decode(text: string): Envelope {
  const object = parseObject(text);
  const members = topLevelProperties(text);
  const ref = readableId(object, members);
  const problem = unknownOrRepeated(members) ?? firstViolation(Object.assign(new MessageDto(), known(object)));
  if (problem) throw new MessageError('invalid_message', problem, ref);
  return {
    type: object['type'] as string,
    receiver: object['receiver'] as string | undefined,
    id: object['id'] as string | undefined,
    data: members.find(({ key }) => key === 'data')?.value,
    rest: withoutSender(text, members),
  };
}

/** Encodes a message for its receiver: the sender's own text with the stamped sender put in front. */
export function stampedFrame(sender: string, envelope: Envelope): Frame {
  return textFrame(`{"sender":"${sender}",${envelope.rest}`);
}

/** Tells whether a type is the server's own word. */
export function isReserved(type: string): boolean {
  return type.startsWith(RESERVED_PREFIX);
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw MessageError.of('malformed_json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw MessageError.of('malformed_json');
  return value as Record<string, unknown>;
}

/** The `id` to answer with, if the message bears exactly one that is valid, whatever else is wrong with it. */
function readableId(object: Record<string, unknown>, members: readonly JsonProperty[]): string | undefined {
  const { id } = object;
  if (typeof id !== 'string' || members.filter(({ key }) => key === 'id').length !== 1) return undefined;
  const probe = Object.assign(new MessageDto(), { type: 'probe', id });
  return firstViolation(probe) === undefined ? id : undefined;
}

function unknownOrRepeated(members: readonly JsonProperty[]): string | undefined {
  const seen = new Set<string>();
  for (const { key } of members) {
    if (key === 'ref') return "ref is the server's: a client must not write it";
    if (!CLIENT_FIELDS.has(key)) return `${JSON.stringify(clip(key))} is not a field of the envelope`;
    if (seen.has(key) && key !== 'sender') return `${key} comes twice`;
    seen.add(key);
  }
  return undefined;
}

function clip(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}

/** The fields that the DTO checks, as own properties only. */
function known(object: Record<string, unknown>): Partial<MessageDto> {
  const { type, receiver, id, data } = object;
  return { type, receiver, id, data } as Partial<MessageDto>;
}

/** The text behind the opening brace, without any `sender` a client wrote, plainly or with escapes. */
function withoutSender(text: string, members: readonly JsonProperty[]): string {
  const kept = members.filter(({ key }) => key !== 'sender');
  if (kept.length === members.length && text.startsWith('{')) return text.slice(1);
  return `${kept.map(({ start, end }) => text.slice(start, end)).join(',')}}`;
}
