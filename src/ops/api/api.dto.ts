import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  MAX_ID_CHARACTERS,
  MAX_RECEIVER_CHARACTERS,
  MESSAGE_TYPE,
  ROOM_NAME,
  SERVER_SENDER,
} from '../../protocol/index.js';

export const EXAMPLE_SESSION = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

/** Bodies of `POST /messages` for the OpenAPI document. */
export const MESSAGE_EXAMPLES = {
  session: { summary: 'To a session', value: { type: 'order.paid', receiver: EXAMPLE_SESSION, data: { order: 17 } } },
  user: { summary: 'To all sessions of a user', value: { type: 'order.paid', receiver: '@ann', data: { order: 17 } } },
  room: { summary: 'To all members of a room', value: { type: 'chat', receiver: '#garden', data: { text: 'hello' } } },
  all: { summary: 'To all sessions', value: { type: 'news', sender: 'server/desk', receiver: '*', data: 'hello' } },
} as const;

/** A message to be posted, for the OpenAPI document only: messages are checked by the rules of the protocol. */
export class PostedMessage {
  @ApiProperty({
    type: String,
    pattern: MESSAGE_TYPE.source,
    description: 'A type of the application; types that begin with "sys." are reserved.',
    example: 'order.paid',
  })
  type!: string;

  @ApiPropertyOptional({ type: String, pattern: SERVER_SENDER.source, default: 'server' })
  sender?: string;

  @ApiProperty({
    type: String,
    maxLength: MAX_RECEIVER_CHARACTERS,
    description:
      'A session id, @USER for all sessions of a user, #ROOM for all members of a room, or * for all sessions.',
    example: '#garden',
  })
  receiver!: string;

  @ApiPropertyOptional({ description: 'Any JSON value, carried unchanged.', example: { order: 17 } })
  data?: unknown;

  @ApiPropertyOptional({
    type: String,
    maxLength: MAX_ID_CHARACTERS,
    description: 'A reference of the sender; the receiver gets it too.',
  })
  id?: string;
}

export class PostedResult {
  @ApiProperty({
    enum: ['routed', 'held', 'accepted'],
    description:
      'routed: put on the connection of the session, or on those of the user. held: kept for a session that is away, or for a user whose sessions are all away. accepted: sent to the members of the room, or to all sessions.',
  })
  status!: 'routed' | 'held' | 'accepted';

  @ApiPropertyOptional({
    type: Number,
    description: 'Sessions of the user on whose connections the message was put.',
    example: 3,
  })
  sessions?: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'Sessions of the user that are away, for which the message is kept.',
    example: 1,
  })
  held?: number;

  @ApiPropertyOptional({ type: Number, description: 'Receivers that were skipped because they read too slowly.' })
  skipped?: number;
}

export class SessionView {
  @ApiProperty({ type: String, example: EXAMPLE_SESSION })
  id!: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'Absent, like all but id and user, where the node of the session does not answer.',
    example: '2026-01-31T09:30:00.000Z',
  })
  since?: string;

  @ApiPropertyOptional({
    enum: ['open', 'away'],
    description: 'open: a client is connected. away: the connection was lost, and the client may return.',
  })
  state?: 'open' | 'away';

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'When the connection was lost; only where the session is away.',
    example: '2026-01-31T09:42:17.000Z',
  })
  awaySince?: string;

  @ApiPropertyOptional({ type: String, example: '192.0.2.7' })
  address?: string;

  @ApiPropertyOptional({ type: String, example: 'ann' })
  user?: string;

  @ApiPropertyOptional({ type: Number, example: 1204 })
  bytesIn?: number;

  @ApiPropertyOptional({ type: Number, example: 20_480 })
  bytesOut?: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'Bytes that wait because this session reads too slowly, or because handlers of its messages are slow.',
    example: 0,
  })
  bytesWaiting?: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'Bytes that were sent and that the client has not reported as seen; only where the session resumes.',
    example: 0,
  })
  bytesUnseen?: number;
}

export class SessionsPage {
  @ApiProperty({ type: [SessionView] })
  sessions!: SessionView[];

  @ApiProperty({ type: Number, description: 'Number of all sessions in the list.', example: 1 })
  total!: number;

  @ApiPropertyOptional({
    type: String,
    description: 'Value of `after` for the next page; absent on the last page.',
    example: EXAMPLE_SESSION,
  })
  next?: string;
}

export class RoomView {
  @ApiProperty({
    type: String,
    pattern: ROOM_NAME.source,
    description: 'The name of the room, without `#`.',
    example: 'garden',
  })
  room!: string;

  @ApiProperty({ type: Number, description: 'Number of members on all nodes.', example: 3 })
  total!: number;
}

export class RoomsPage {
  @ApiProperty({ type: [RoomView] })
  rooms!: RoomView[];

  @ApiProperty({ type: Number, description: 'Number of all rooms.', example: 1 })
  total!: number;

  @ApiPropertyOptional({
    type: String,
    description: 'Value of `after` for the next page; absent on the last page.',
    example: 'garden',
  })
  next?: string;
}

export class ClosedSessions {
  @ApiProperty({ type: Number, description: 'Number of sessions that were closed.', example: 2 })
  closed!: number;
}

/** The body of each error (RFC 9457). */
export class ProblemDetails {
  @ApiProperty({ type: String, example: 'about:blank' })
  type!: string;

  @ApiProperty({ type: String, description: 'The text of the status.', example: 'Not Found' })
  title!: string;

  @ApiProperty({ type: Number, example: 404 })
  status!: number;

  @ApiProperty({ type: String, description: 'The code that programs read.', example: 'session_not_found' })
  code!: string;

  @ApiProperty({ type: String, example: 'No session has this id.' })
  detail!: string;
}

export class Stats {
  @ApiProperty({ enum: ['starting', 'ready', 'draining'] })
  phase!: string;

  @ApiProperty({ type: Number })
  uptimeSeconds!: number;

  @ApiProperty({ type: Number, description: 'Sessions now, those that are away included.' })
  sessions!: number;

  @ApiProperty({ type: Number, description: 'Sessions without a connection, whose clients may return.' })
  sessionsAway!: number;

  @ApiProperty({ type: Number })
  opened!: number;

  @ApiProperty({ type: Number })
  messagesReceived!: number;

  @ApiProperty({ type: Number })
  messagesDelivered!: number;

  @ApiProperty({ type: Number })
  messagesRefused!: number;

  @ApiProperty({ type: Number })
  bytesIn!: number;

  @ApiProperty({ type: Number })
  bytesOut!: number;

  @ApiProperty({ type: Number, description: 'Sessions with a running handler.' })
  handlersRunning!: number;

  @ApiProperty({
    type: Number,
    description: 'Bytes that wait for receivers that read slowly, for handlers, and in request bodies.',
  })
  bufferedBytes!: number;
}
