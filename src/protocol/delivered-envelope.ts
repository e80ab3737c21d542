import { Allow, IsOptional, IsString, Length, Matches } from 'class-validator';
import { Describe } from './tables/describe.js';
import { DELIVERED_RECEIVER, DELIVERED_SENDER, MESSAGE_TYPE } from './identifiers.js';
import { MAX_ID_CHARACTERS } from './tables/limits.js';

/**
 * An envelope as the server delivers it. The AsyncAPI schema is derived from this class, and the type `Envelope` of the
 * client must agree with it.
 */
export class DeliveredEnvelope {
  @Describe('The type of the message.', 'chat')
  @Matches(MESSAGE_TYPE)
  @IsString()
  readonly type!: string;

  @Describe(
    'The session that sent the message, `server`, or `server/NAME` for another back end. Written by the server.',
  )
  @Matches(DELIVERED_SENDER)
  @IsString()
  readonly sender!: string;

  @Describe('Your session id, `@` and your user, `#` and a room of yours, or `*` for a broadcast.')
  @Matches(DELIVERED_RECEIVER)
  @IsString()
  readonly receiver!: string;

  @Describe('The content of the application, unchanged; may be absent.')
  @Allow()
  readonly data?: unknown;

  @Describe('The reference of the sender.', 'm-1')
  @Length(1, MAX_ID_CHARACTERS)
  @IsString()
  @IsOptional()
  readonly id?: string;

  @Describe('The `id` of your message that is answered.', 'm-1')
  @Length(1, MAX_ID_CHARACTERS)
  @IsString()
  @IsOptional()
  readonly ref?: string;
}

/** Returns whether a text is an envelope that a client may get from the server. */
export function isDeliverable(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  if (typeof value !== 'object' || value === null) return false;
  const { type, sender, receiver } = value as Readonly<Record<string, unknown>>;
  const matches = (field: unknown, pattern: RegExp): boolean => typeof field === 'string' && pattern.test(field);
  return matches(type, MESSAGE_TYPE) && matches(sender, DELIVERED_SENDER) && matches(receiver, DELIVERED_RECEIVER);
}
