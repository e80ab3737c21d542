import { constants } from 'node:buffer';
import { Check, Count } from './check.js';
import { Setting } from './setting.js';

/** How much anybody may ask of this server; 0 switches a limit off. */
export abstract class LimitSettings {
  @Setting('number', 'Connections in all, then 503; 0 is no limit, not set is 90 % of the descriptor limit.')
  @Check((value: unknown) =>
    value === undefined || (Number.isInteger(value) && Number(value) >= 0) ? undefined : WHOLE,
  )
  maxConnections: number | undefined;

  @Setting('number', 'Connections of one address (an IPv6 network of 64 bits counts as one), then 429; 0 is no limit.')
  @Count('connections')
  maxConnectionsPerAddress!: number;

  @Setting('number', 'Connections of one user, then 429; 0 is no limit.')
  @Count('connections')
  maxConnectionsPerUser!: number;

  @Setting('number', 'Handshakes a second from one address, four times as many at once, then 429; 0 is no limit.')
  @Count('handshakes')
  handshakesPerSecond!: number;

  @Setting('number', 'HTTP requests a second from one address, four times as many at once, then 429; 0 is no limit.')
  @Count('requests')
  requestsPerSecond!: number;

  @Setting(
    'number',
    'Milliseconds in which a client must take the response to a request; then it is cut. 0 is no limit.',
  )
  @Count('milliseconds')
  responseTimeoutMs!: number;

  @Setting(
    'number',
    'Messages a second of one session, five times as many at once, then `rate_limited`; 0 is no limit.',
  )
  @Count('messages')
  messagesPerSecond!: number;

  @Setting('number', 'Bytes a second of one session, four times as many at once, then `rate_limited`; 0 is no limit.')
  @Count('bytes', constants.MAX_LENGTH)
  bytesPerSecond!: number;

  @Setting(
    'number',
    'Messages a minute that are malformed, invalid, reserved or of no known type; then 1008. 0 is no limit.',
  )
  @Count('messages')
  faultsPerMinute!: number;

  @Setting('number', 'Messages a minute that are answered `rate_limited`; then 1008. 0 is no limit.')
  @Count('messages')
  refusalsPerMinute!: number;
}

const WHOLE = 'must be a whole number of connections';
