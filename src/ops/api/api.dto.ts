import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** The words of the HTTP API, as its OpenAPI document shows them; messages are checked by the rules of the protocol. */
export class PostedMessage {
  @ApiProperty({
    type: String,
    pattern: '^[A-Za-z0-9._:-]{1,64}$',
    description: 'The application\'s word; not "sys.…".',
  })
  type!: string;

  @ApiPropertyOptional({ type: String, pattern: '^server(/[A-Za-z0-9._-]{1,64})?$', default: 'server' })
  sender?: string;

  @ApiProperty({ type: String, maxLength: 128, description: 'A session id, or * for everybody.' })
  receiver!: string;

  @ApiPropertyOptional({ description: 'Any JSON value, carried unchanged.' })
  data?: unknown;

  @ApiPropertyOptional({ type: String, maxLength: 64, description: 'A reference that the receiver sees.' })
  id?: string;
}

export class PostedResult {
  @ApiProperty({ enum: ['routed', 'accepted'], description: 'Put on the connection of its receiver, or of all.' })
  status!: 'routed' | 'accepted';

  @ApiPropertyOptional({ type: Number, description: 'Receivers that were passed over because they read too slowly.' })
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

  @ApiPropertyOptional({ type: String, description: 'What to ask for as `after` to get the next page.' })
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

  @ApiProperty({ type: Number, description: 'Sessions whose handlers have something to do now.' })
  handlersRunning!: number;

  @ApiProperty({
    type: Number,
    description: 'Bytes that wait for receivers that read slowly, for handlers, and in request bodies.',
  })
  bufferedBytes!: number;
}
