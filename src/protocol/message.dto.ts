import { Allow, IsString, Matches, ValidateIf, validateSync } from 'class-validator';
import { MESSAGE_TYPE } from './identifiers.js';
import { Describe } from './tables/describe.js';
import { MAX_ID_CHARACTERS, MAX_RECEIVER_CHARACTERS, MAX_TYPE_CHARACTERS } from './tables/limits.js';

/**
 * Matches 1 to `max` characters of any kind. `@Length` would not do, because it does not count variation selectors and
 * so accepts a text of any size.
 */
function characters(max: number): RegExp {
  return new RegExp(`^[\\s\\S]{1,${max}}$`, 'u');
}

/** Applies the rules of a field unless the field is absent. `@IsOptional` would not do, because it accepts `null`. */
function has(field: 'receiver' | 'id') {
  return (message: MessageDto): boolean => message[field] !== undefined;
}

/** The fields of an envelope that a client writes, with their rules. The server writes `sender` and `ref`. */
export class MessageDto {
  @Describe('The type of the message, chosen by the application. Types that begin with `sys.` are reserved.', 'chat')
  @Matches(MESSAGE_TYPE, {
    message: `type must be 1 to ${MAX_TYPE_CHARACTERS} characters of A-Z a-z 0-9 . _ : -`,
  })
  @IsString({ message: 'type must be a string' })
  type!: string;

  @Describe(
    'A session id; `@` and a user, for every other session of that user; `#` and a room, for every other member; or `*`, for every other session.',
  )
  @Matches(characters(MAX_RECEIVER_CHARACTERS), {
    message: `receiver must be 1 to ${MAX_RECEIVER_CHARACTERS} characters`,
  })
  @IsString({ message: 'receiver must be a string' })
  @ValidateIf(has('receiver'))
  receiver?: string;

  @Describe(
    'A reference of your own. A message with an `id` gets exactly one answer, with the same value as `ref`.',
    'm-1',
  )
  @Matches(characters(MAX_ID_CHARACTERS), { message: `id must be 1 to ${MAX_ID_CHARACTERS} characters` })
  @IsString({ message: 'id must be a string' })
  @ValidateIf(has('id'))
  id?: string;

  @Describe('Any JSON value, carried unchanged.')
  @Allow()
  data?: unknown;
}

/** Fields that a client may write. `sender` is accepted, but replaced. */
export const CLIENT_FIELDS: ReadonlySet<string> = new Set(['type', 'sender', 'receiver', 'data', 'id']);

/** Returns the text of the first rule of {@link MessageDto} that a message breaks, or `undefined`. */
export function firstViolation(message: MessageDto): string | undefined {
  const [error] = validateSync(message, { stopAtFirstError: true, forbidUnknownValues: true });
  return error && Object.values(error.constraints ?? {})[0];
}
