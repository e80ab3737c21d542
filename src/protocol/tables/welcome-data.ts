import { Equals, IsBoolean, IsIn, IsInt, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
import { Describe } from './describe.js';
import { PROTOCOL_VERSION } from './limits.js';

const NOTICE_SCOPES = ['all', 'peers', 'rooms', 'none'] as const;

/** Which departures a session gets: all, those of its peers, those in its rooms (as `sys.left`), or none. */
export type NoticeScope = (typeof NOTICE_SCOPES)[number];

export const NO_RETURN_REASONS = ['expired', 'ended', 'unknown', 'node_lost', 'overflow'] as const;

/** The reason why a client got a new session although it offered the token of another one. */
export type NoReturnReason = (typeof NO_RETURN_REASONS)[number];

export class ResumeGrant {
  @Describe('Names this session and proves that it is yours. Offer it as the subprotocol `resume.TOKEN.FRAMES`.')
  @IsString()
  readonly token!: string;

  @Describe('Milliseconds for which the session outlives its connection.', 60_000)
  @Min(1)
  @IsInt()
  readonly windowMs!: number;

  @Describe('Bytes that are kept for you while you are away.', 262_144)
  @Min(1)
  @IsInt()
  readonly bytes!: number;
}

export class Welcome {
  @Describe('The version of the protocol.')
  @Equals(PROTOCOL_VERSION)
  @IsInt()
  readonly protocol!: number;

  @Describe('Milliseconds between two pings; a client that is silent for one interval is closed with 4101.', 25_000)
  @Min(50)
  @IsInt()
  readonly heartbeatMs!: number;

  @Describe('Maximum size of a message in bytes; a larger one closes the connection with 1009.', 65_536)
  @Min(256)
  @IsInt()
  readonly maxMessageBytes!: number;

  @Describe(
    'Which `sys.departed` this session gets: `all`, those of its `peers`, or `none`. With `rooms` none, too: members of a room get `sys.left`.',
  )
  @IsIn(NOTICE_SCOPES)
  readonly notices!: NoticeScope;

  @Describe('Where you asked for it: what you need to come back to this session after its connection was lost.')
  @ValidateNested()
  @IsOptional()
  readonly resume?: ResumeGrant;

  @Describe('Where you offered a token: whether this is the same session as before.')
  @IsBoolean()
  @IsOptional()
  readonly resumed?: boolean;

  @Describe(
    'With `resumed` true: number of your text frames that the server has received. Send the later ones again.',
    412,
  )
  @Min(0)
  @IsInt()
  @IsOptional()
  readonly received?: number;

  @Describe('With `resumed` true: milliseconds for which the session was without a connection.', 830)
  @Min(0)
  @IsInt()
  @IsOptional()
  readonly awayMs?: number;

  @Describe(
    'With `resumed` false: `expired`: you were away for too long. `ended`: the session was closed. `overflow`: the server was out of memory for sessions that are away. `node_lost`: its node is dead. `unknown`: any other token.',
    'expired',
  )
  @IsIn(NO_RETURN_REASONS)
  @IsOptional()
  readonly reason?: NoReturnReason;
}
