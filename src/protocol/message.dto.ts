import { Allow, IsString, Matches, ValidateIf, validateSync } from 'class-validator';
import { MESSAGE_TYPE } from './identifiers.js';
import { Describe } from './tables/describe.js';
import { MAX_ID_CHARACTERS, MAX_RECEIVER_CHARACTERS, MAX_TYPE_CHARACTERS } from './tables/limits.js';

/**
 * Matches 1 to `max` characters of any kind. A pattern and not `@Length`, which does not count variation selectors and
 * so would let a text of any size pass.
 */
function characters(max: number): RegExp {
  return new RegExp(`^[\\s\\S]{1,${max}}$`, 'u');
}

/** A field may be absent, but a `null` is a value and of the wrong type, so `@IsOptional` would be too lenient. */
function has(field: 'receiver' | 'id') {
  return (message: MessageDto): boolean => message[field] !== undefined;
}

/** What a client may write in an envelope; `sender` and `ref` are the server's. These rules are the one source of truth. */
export class MessageDto {
  @Describe(
    "What kind of message this is: the application's own word. Those that begin with `sys.` are the server's.",
    'chat',
  )
  @Matches(MESSAGE_TYPE, {
    message: `type must be 1 to ${MAX_TYPE_CHARACTERS} characters of A-Z a-z 0-9 . _ : -`,
  })
  @IsString({ message: 'type must be a string' })
  type!: string;

  @Describe('A session id, or `*`: everyone but you.')
  @Matches(characters(MAX_RECEIVER_CHARACTERS), {
    message: `receiver must be 1 to ${MAX_RECEIVER_CHARACTERS} characters`,
  })
  @IsString({ message: 'receiver must be a string' })
  @ValidateIf(has('receiver'))
  receiver?: string;

  @Describe('Your own reference: with it you get exactly one answer that bears it as `ref`.', 'm-1')
  @Matches(characters(MAX_ID_CHARACTERS), { message: `id must be 1 to ${MAX_ID_CHARACTERS} characters` })
  @IsString({ message: 'id must be a string' })
  @ValidateIf(has('id'))
  id?: string;

  @Describe('Anything; carried unchanged.')
  @Allow()
  data?: unknown;
}

/** Fields that a client may write; `sender` too, but it is replaced. */
export const CLIENT_FIELDS: ReadonlySet<string> = new Set(['type', 'sender', 'receiver', 'data', 'id']);

/** Checks the rules of {@link MessageDto} and returns the first broken one in words, or `undefined`. */
export function firstViolation(message: MessageDto): string | undefined {
  const [error] = validateSync(message, { stopAtFirstError: true, forbidUnknownValues: true });
  return error && Object.values(error.constraints ?? {})[0];
}
