import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MAX_ID_CHARACTERS, MAX_RECEIVER_CHARACTERS, MESSAGE_TYPE, SERVER_SENDER } from '../../protocol/index.js';

/** A message to be posted, for the OpenAPI document only: messages are checked by the rules of the protocol. */
export class PostedMessage {
  @ApiProperty({
    type: String,
    pattern: MESSAGE_TYPE.source,
    description: 'A type of the application; types that begin with "sys." are reserved.',
  })
  type!: string;

  @ApiPropertyOptional({ type: String, pattern: SERVER_SENDER.source, default: 'server' })
  sender?: string;

  @ApiProperty({
    type: String,
    maxLength: MAX_RECEIVER_CHARACTERS,
    description: 'A session id, or * for all sessions.',
  })
  receiver!: string;

  @ApiPropertyOptional({ description: 'Any JSON value, carried unchanged.' })
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
    enum: ['routed', 'accepted'],
    description: 'routed: put on the connection of the receiver. accepted: sent to all sessions.',
  })
  status!: 'routed' | 'accepted';

  @ApiPropertyOptional({ type: Number, description: 'Receivers that were skipped because they read too slowly.' })
  skipped?: number;
}

export class SessionView {
  @ApiProperty({ type: String })
  id!: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'Absent, like the rest, where the node of the session does not answer.',
  })
  since?: string;

  @ApiPropertyOptional({ type: String })
  address?: string;

  @ApiPropertyOptional({ type: String })
  user?: string;

  @ApiPropertyOptional({ type: Number })
  bytesIn?: number;

  @ApiPropertyOptional({ type: Number })
  bytesOut?: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'Bytes that wait because this session reads too slowly, or because handlers of its messages are slow.',
  })
  bytesWaiting?: number;
}

export class SessionsPage {
  @ApiProperty({ type: [SessionView] })
  sessions!: SessionView[];

  @ApiProperty({ type: Number })
  total!: number;

  @ApiPropertyOptional({ type: String, description: 'Value of `after` for the next page; absent on the last page.' })
  next?: string;
}

export class Stats {
  @ApiProperty({ enum: ['starting', 'ready', 'draining'] })
  phase!: string;

  @ApiProperty({ type: Number })
  uptimeSeconds!: number;

  @ApiProperty({ type: Number })
  sessions!: number;

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
