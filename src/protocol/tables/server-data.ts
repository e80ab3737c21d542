import {
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateBy,
} from 'class-validator';
import { Describe } from './describe.js';
import { ERROR_CODE } from './errors.js';
import { ROOM_NAME, SESSION_ID } from '../identifiers.js';

// The classes of `data` in messages of the server: the source of the schemas in the AsyncAPI document. The types in
// `packages/client/src/wire.ts` must agree with them.

export class Arrival {
  @Describe('The user of the session, where the operator shows users.')
  @IsString()
  @IsOptional()
  readonly user?: string;
}

export class Departure {
  @Describe("The server's close code if it closed, else the client's; 1005 for an empty close frame, 1006 for a cut.")
  @Min(1000)
  @Max(4999)
  @IsInt()
  readonly code!: number;
}

const ACK_STATUSES = ['routed', 'held', 'accepted', 'left', 'unwatched'] as const;

export class Ack {
  @Describe(
    "`routed`: put on the receiver's connection. `held`: kept for a receiver that is away. `accepted`: a broadcast or a room message was handed on, or a handler ran. `left`: you are no member of the room. `unwatched`: you do not watch the user.",
  )
  @IsIn(ACK_STATUSES)
  readonly status!: (typeof ACK_STATUSES)[number];

  @Describe('Receivers that a broadcast or a room message skipped because they read too slowly.', 2)
  @Min(1)
  @IsInt()
  @IsOptional()
  readonly skipped?: number;

  @Describe('Number of sessions of the user on whose connections the message was put; absent for other receivers.', 3)
  @Min(0)
  @IsInt()
  @IsOptional()
  readonly sessions?: number;

  @Describe(
    'Number of sessions of the user that are away, for which the message is kept; absent where there are none.',
    1,
  )
  @Min(1)
  @IsInt()
  @IsOptional()
  readonly held?: number;
}

export class ErrorData {
  @Describe('A code of the table of errors, or one that a handler chose.', 'receiver_not_found')
  @Matches(ERROR_CODE)
  @IsString()
  readonly code!: string;

  @Describe('The error in words.')
  @IsString()
  readonly message!: string;

  @Describe('Milliseconds after which a retry may succeed.', 1000)
  @Min(0)
  @IsInt()
  @IsOptional()
  readonly retryAfterMs?: number;

  @Describe("Identifies the entry with the details in the server's log.", '9f2c41d07ab3')
  @IsString()
  @IsOptional()
  readonly incident?: string;
}

export class ShownSession {
  @Matches(SESSION_ID)
  @IsString()
  readonly id!: string;

  @Describe('Absent where the session has no user, and where the operator does not show users.')
  @IsString()
  @IsOptional()
  readonly user?: string;

  @Describe('Whether the session is without a connection and may come back; absent where it is connected.')
  @Equals(true)
  @IsOptional()
  readonly away?: true;
}

/** An entry of `sys.sessions` or `sys.members`: an id, or an object where there is a user to show or the session is away. */
export type SessionEntry = string | ShownSession;

/** Name of the validation rule, by which the AsyncAPI document finds the rule. */
export const ID_OR_SHOWN_SESSION = 'idOrShownSession';

function IsSessionEntry(): PropertyDecorator {
  const validate = (value: unknown): boolean => typeof value === 'string' || value instanceof ShownSession;
  return ValidateBy(
    { name: ID_OR_SHOWN_SESSION, constraints: [ShownSession], validator: { validate } },
    { each: true },
  );
}

export class SessionPage {
  @Describe(
    'Ids in ascending order; objects with the user where the operator shows users, and for sessions that are away.',
  )
  @IsSessionEntry()
  @IsArray()
  readonly sessions!: readonly SessionEntry[];

  @Describe('Number of all entries, those of other pages included.')
  @Min(0)
  @IsInt()
  readonly total!: number;

  @Describe('Value of `after` for the next page; absent on the last page.')
  @IsString()
  @IsOptional()
  readonly next?: string;
}

export class Reconnect {
  @Describe('Milliseconds from this notice until the client should reconnect; different for each session.', 1830)
  @Min(0)
  @IsInt()
  readonly afterMs!: number;
}

export class MembersPage extends SessionPage {
  @Describe('The name of the room, without `#`.', 'garden')
  @Matches(ROOM_NAME)
  @IsString()
  readonly room!: string;
}

export class Joined {
  @Describe('The user of the session, where the operator shows users.')
  @IsString()
  @IsOptional()
  readonly user?: string;
}

export class Left {
  @Describe('The close code, where the session ended; absent where the session left the room only.')
  @Min(1000)
  @Max(4999)
  @IsInt()
  @IsOptional()
  readonly code?: number;
}

export class RoomTotal {
  @Describe('The name of the room, without `#`.', 'garden')
  @Matches(ROOM_NAME)
  @IsString()
  readonly room!: string;

  @Describe('Number of all members.')
  @Min(0)
  @IsInt()
  readonly total!: number;
}

export class Presence {
  @Describe('The watched user, without `@`.', 'ann')
  @IsString()
  readonly user!: string;

  @Describe('Whether the user has a session.')
  @IsBoolean()
  readonly online!: boolean;

  @Describe('Number of sessions of the user on all nodes.')
  @Min(0)
  @IsInt()
  readonly sessions!: number;
}

export class Gap {
  @Describe('Number of broadcasts, room messages and messages to your user that you missed at this place.')
  @Min(0)
  @IsInt()
  readonly messages!: number;

  @Describe('Number of notices that you missed at this place. Above 0, request `sys.who` again.')
  @Min(0)
  @IsInt()
  readonly notices!: number;
}

export class Seen {
  @Describe(
    'Number of text frames received from the other side since the first welcome, without `sys.seen` and welcomes.',
    412,
  )
  @Min(0)
  @IsInt()
  readonly frames!: number;
}

export class Undelivered {
  @Describe('Id of the session that has ended without having seen your message.', 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb')
  @Matches(SESSION_ID)
  @IsString()
  readonly receiver!: string;
}
