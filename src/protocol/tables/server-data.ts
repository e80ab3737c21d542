import { Equals, IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max, Min, ValidateBy } from 'class-validator';
import { Describe } from './describe.js';
import { ERROR_CODE } from './errors.js';
import { SESSION_ID } from '../identifiers.js';
import { PROTOCOL_VERSION } from './limits.js';

/**
 * What stands in the `data` of the server's own words: the one source of their schemas in the protocol's document and of
 * their types in the client, which takes the types alone.
 */

const NOTICE_SCOPES = ['all', 'peers', 'none'] as const;

/** Which departures a session will be told: everybody's, those of its peers, or none. */
export type NoticeScope = (typeof NOTICE_SCOPES)[number];

export class Welcome {
  @Describe('The version of the protocol.')
  @Equals(PROTOCOL_VERSION)
  @IsInt()
  readonly protocol!: number;

  @Describe('Milliseconds between two pings; whoever is silent for a whole one is closed with 4101.', 25_000)
  @Min(50)
  @IsInt()
  readonly heartbeatMs!: number;

  @Describe('The longest message in bytes; a longer one closes with 1009.', 65_536)
  @Min(256)
  @IsInt()
  readonly maxMessageBytes!: number;

  @Describe('Which departures this session will be told.')
  @IsIn(NOTICE_SCOPES)
  readonly notices!: NoticeScope;
}

export class Arrival {
  @Describe('The user it came as, where the operator shows users.')
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

const ACK_STATUSES = ['routed', 'accepted'] as const;

export class Ack {
  @Describe("`routed`: put on the receiver's connection. `accepted`: a broadcast was handed on, or a handler ran.")
  @IsIn(ACK_STATUSES)
  readonly status!: (typeof ACK_STATUSES)[number];

  @Describe('Receivers that a broadcast passed over because they read too slowly.', 2)
  @Min(1)
  @IsInt()
  @IsOptional()
  readonly skipped?: number;
}

export class ErrorData {
  @Describe('What went wrong: one of the table of errors, or a word of a handler.', 'receiver_not_found')
  @Matches(ERROR_CODE)
  @IsString()
  readonly code!: string;

  @Describe('The same for a person.')
  @IsString()
  readonly message!: string;

  @Describe('Milliseconds after which trying again may help.', 1000)
  @Min(0)
  @IsInt()
  @IsOptional()
  readonly retryAfterMs?: number;

  @Describe("Names the entry in the server's log, which alone has the details.", '9f2c41d07ab3')
  @IsString()
  @IsOptional()
  readonly incident?: string;
}

export class ShownSession {
  @Matches(SESSION_ID)
  @IsString()
  readonly id!: string;

  @Describe('Absent where it has none.')
  @IsString()
  @IsOptional()
  readonly user?: string;
}

/** An entry of `sys.sessions`: an id, or with its user where the operator shows users. */
export type SessionEntry = string | ShownSession;

/** What the name of the rule says; the document knows it by that name. */
export const ID_OR_SHOWN_SESSION = 'idOrShownSession';

function IsSessionEntry(): PropertyDecorator {
  const validate = (value: unknown): boolean => typeof value === 'string' || value instanceof ShownSession;
  return ValidateBy(
    { name: ID_OR_SHOWN_SESSION, constraints: [ShownSession], validator: { validate } },
    { each: true },
  );
}

export class SessionPage {
  @Describe('In order of their ids; objects with the user where the operator shows users.')
  @IsSessionEntry()
  @IsArray()
  readonly sessions!: readonly SessionEntry[];

  @Describe('Sessions in all.')
  @Min(0)
  @IsInt()
  readonly total!: number;

  @Describe('What to ask for as `after` to get the next page; absent on the last one.')
  @IsString()
  @IsOptional()
  readonly next?: string;
}

export class Reconnect {
  @Describe('When to come again, counted from this notice; different for each session.', 1830)
  @Min(0)
  @IsInt()
  readonly afterMs!: number;
}
