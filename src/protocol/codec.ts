import { MessageError } from './tables/errors.js';
import { textFrame, type Frame } from './frame.js';
import { topLevelProperties, type JsonProperty } from './json-properties.js';
import { CLIENT_FIELDS, firstViolation, MessageDto } from './message.dto.js';

/** The part of a message that a handler or the server itself needs. */
export interface ServerRequest {
  readonly type: string;
  /** The reference of the sender, for the answer. */
  readonly id: string | undefined;
  readonly receiver: string | undefined;
  /** Raw JSON text of `data`, unchanged; `undefined` where `data` is absent. */
  readonly data: string | undefined;
}

/** A message of a client, parsed and checked. */
export interface Envelope extends ServerRequest {
  /** The text behind the stamped sender, `"type":…}`, in the order and spelling of the client. */
  readonly rest: string;
}

/**
 * Parses one message on the slow path, checks every rule of the envelope and reports the first that is broken.
 *
 * @param text payload of a text frame, valid UTF-8
 * @throws {MessageError} `malformed_json` or `invalid_message`, with the `id` as `ref` where one can be read
 */
export function decode(text: string): Envelope {
  const object = parseObject(text);
  const properties = topLevelProperties(text);
  const ref = readableId(object, properties);
  const problem =
    unknownOrRepeated(properties) ?? firstViolation(Object.assign(new MessageDto(), clientFields(object)));
  if (problem) throw new MessageError('invalid_message', problem, ref, {}, readableType(object));
  return {
    type: object['type'] as string,
    receiver: object['receiver'] as string | undefined,
    id: object['id'] as string | undefined,
    data: properties.find(({ key }) => key === 'data')?.value,
    rest: withoutSender(text, properties),
  };
}

/** Encodes a message for its receiver: the stamped sender and then the text of the client. */
export function stampedFrame(sender: string, envelope: Envelope): Frame {
  return textFrame(`{"sender":"${sender}",${envelope.rest}`);
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

/** Returns the `id` of a message that has exactly one valid `id`, even where other fields are wrong. */
function readableId(object: Record<string, unknown>, properties: readonly JsonProperty[]): string | undefined {
  const { id } = object;
  if (typeof id !== 'string' || properties.filter(({ key }) => key === 'id').length !== 1) return undefined;
  const probe = Object.assign(new MessageDto(), { type: 'probe', id });
  return firstViolation(probe) === undefined ? id : undefined;
}

/** Returns the beginning of the `type` of a message, where it is a text. */
function readableType({ type }: Record<string, unknown>): string | undefined {
  return typeof type === 'string' ? clip(type) : undefined;
}

function unknownOrRepeated(properties: readonly JsonProperty[]): string | undefined {
  const seen = new Set<string>();
  for (const { key } of properties) {
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

/** Returns the fields that {@link MessageDto} checks, without inherited properties. */
function clientFields(object: Record<string, unknown>): Partial<MessageDto> {
  const { type, receiver, id, data } = object;
  return { type, receiver, id, data } as Partial<MessageDto>;
}

/** Returns the text behind the opening brace without any `sender`, even one whose key is written with escapes. */
function withoutSender(text: string, properties: readonly JsonProperty[]): string {
  const kept = properties.filter(({ key }) => key !== 'sender');
  if (kept.length === properties.length && text.startsWith('{')) return text.slice(1);
  return `${kept.map(({ start, end }) => text.slice(start, end)).join(',')}}`;
}
