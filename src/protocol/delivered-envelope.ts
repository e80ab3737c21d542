import { Allow, IsOptional, IsString, Length, Matches } from 'class-validator';
import { Describe } from './tables/describe.js';
import { DELIVERED_RECEIVER, DELIVERED_SENDER, MESSAGE_TYPE } from './identifiers.js';
import { MAX_ID_CHARACTERS } from './tables/limits.js';

/** An envelope as it comes from the server: the source of its schema in the document and of its type in the client. */
export class DeliveredEnvelope {
  @Describe('What kind of message this is.', 'chat')
  @Matches(MESSAGE_TYPE)
  @IsString()
  readonly type!: string;

  @Describe('The session it came from, or `server`; another back end speaks as `server/NAME`. Written by the server.')
  @Matches(DELIVERED_SENDER)
  @IsString()
  readonly sender!: string;

  @Describe('Your session id, or `*` where it went to everyone but the sender.')
  @Matches(DELIVERED_RECEIVER)
  @IsString()
  readonly receiver!: string;

  @Describe("The application's content, unchanged; may be absent.")
  @Allow()
  readonly data?: unknown;

  @Describe("The sender's own reference.", 'm-1')
  @Length(1, MAX_ID_CHARACTERS)
  @IsString()
  @IsOptional()
  readonly id?: string;

  @Describe('The `id` of your message that this answers.', 'm-1')
  @Length(1, MAX_ID_CHARACTERS)
  @IsString()
  @IsOptional()
  readonly ref?: string;
}
