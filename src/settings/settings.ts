import { IsIn, IsInt, IsIP, Matches, Max, Min, ValidateIf } from 'class-validator';
import type { NoticeScope } from '../protocol/index.js';
import { AccessSettings } from './access-settings.js';
import { Check, Count, MAX_INT32 } from './check.js';
import { Setting } from './setting.js';

const SWITCH = { message: 'must be on or off' };

/** What the operator decided: read once, checked, frozen. Values are in `config/`, this class says what they may be. */
export class Settings extends AccessSettings {
  @Setting('text', 'Address to listen on.')
  @ValidateIf(({ host }: Settings) => host !== 'localhost')
  @IsIP(undefined, { message: 'must be an IP address or localhost' })
  host!: string;

  @Setting('number', 'TCP port to listen on; 0 lets the system choose.')
  @Min(0)
  @Max(65535)
  @IsInt({ message: 'must be a whole number from 0 to 65535' })
  port!: number;

  @Setting('text', 'Path of the WebSocket entry; a trailing slash is allowed in requests.')
  @Matches(/^(\/[A-Za-z0-9._~-]+)+$/, { message: 'must be a path such as /wss, without a trailing slash' })
  wsPath!: string;

  @Setting('text', 'Least serious kind of line that is logged: `error`, `warn`, `info` or `debug`.')
  @IsIn(['error', 'warn', 'info', 'debug'], { message: 'must be error, warn, info or debug' })
  logLevel!: 'error' | 'warn' | 'info' | 'debug';

  @Setting('text', 'Form of the log: `text` for a terminal, `json` for a container.')
  @IsIn(['text', 'json'], { message: 'must be text or json' })
  logFormat!: 'text' | 'json';

  @Setting('number', 'Milliseconds between two pings; a session silent for a whole one is closed with 4101.')
  @Min(50)
  @Max(MAX_INT32)
  @IsInt({ message: 'must be a whole number of milliseconds from 50' })
  heartbeatMs!: number;

  @Setting('number', 'Longest message in bytes; a longer one closes with 1009.')
  @Min(256)
  @Max(64 * 1024 * 1024)
  @IsInt({ message: 'must be a whole number of bytes from 256 to 67108864' })
  maxMessageBytes!: number;

  @Setting('number', 'Milliseconds in which a request must be complete; then 408. 0 is for ever.')
  @Check((value: unknown) =>
    Number.isInteger(value) && (value === 0 || (Number(value) >= 100 && Number(value) <= MAX_INT32))
      ? undefined
      : `must be a whole number of milliseconds from 100 to ${MAX_INT32}, or 0`,
  )
  handshakeTimeoutMs!: number;

  @Setting('number', 'Milliseconds in which a message that has begun must end; then 1008. 0 is for ever.')
  @Count('milliseconds')
  frameTimeoutMs!: number;

  @Setting('number', 'Milliseconds a handler may take; then its message is answered `internal_error`.')
  @Min(10)
  @Max(MAX_INT32)
  @IsInt({ message: 'must be a whole number of milliseconds from 10' })
  handlerTimeoutMs!: number;

  @Setting('switch', 'Whether all others are told of each arrival; costs the square of the number of sessions.')
  @IsIn([true, false], SWITCH)
  arrivalNotices!: boolean;

  @Setting(
    'text',
    'Who is told of a departure: `all`, `peers` (those that exchanged a message with it; broadcasts do not count) or `none`.',
  )
  @IsIn(['all', 'peers', 'none'], { message: 'must be all, peers or none' })
  noticeScope!: NoticeScope;

  @Setting('number', 'Milliseconds that arrivals and departures may wait to be told together; 0 is one turn.')
  @Min(0)
  @Max(10_000)
  @IsInt({ message: 'must be a whole number of milliseconds from 0 to 10000' })
  noticeWindowMs!: number;

  @Setting('number', 'Bytes that may wait for one session before messages to it are refused.')
  @Min(16_384)
  @Max(MAX_INT32)
  @IsInt({ message: 'must be a whole number of bytes from 16384' })
  outboxHighWaterBytes!: number;

  @Setting('number', 'Milliseconds a session may stay over that mark; then 4100.')
  @Min(100)
  @Max(MAX_INT32)
  @IsInt({ message: 'must be a whole number of milliseconds from 100' })
  slowConsumerMs!: number;

  @Setting('number', 'Bytes that may wait in all; past it the heaviest session is closed with 1013. 0 is no bound.')
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  @IsInt({ message: 'must be a whole number of bytes' })
  memoryBudgetBytes!: number;

  @Setting('switch', 'Whether plain text frames are read by our own reader and not by `ws`.')
  @IsIn([true, false], SWITCH)
  fastLane!: boolean;

  @Setting('switch', 'Whether the console is served at `/`.')
  @IsIn([true, false], SWITCH)
  console!: boolean;

  @Setting('switch', 'Whether the protocol of this server is served, as `/asyncapi.json` and as the page `/docs`.')
  @IsIn([true, false], SWITCH)
  docs!: boolean;

  @Setting('number', 'Milliseconds over which the sessions of a draining node are asked to come again.')
  @Min(0)
  @Max(MAX_INT32)
  @IsInt({ message: 'must be a whole number of milliseconds' })
  drainSpreadMs!: number;

  @Setting('number', 'Milliseconds in which a signalled node has gone; whoever is left then is cut.')
  @Min(500)
  @Max(MAX_INT32)
  @IsInt({ message: 'must be a whole number of milliseconds from 500' })
  drainTimeoutMs!: number;

  @Setting('number', 'Milliseconds the event loop may be late, nine times in ten, before the node is not ready.')
  @Min(10)
  @Max(MAX_INT32)
  @IsInt({ message: 'must be a whole number of milliseconds from 10' })
  eventLoopDelayMs!: number;

  @Setting('text', 'Keys of the HTTP API, comma-separated; without one the API is off.', { secret: true })
  @ValidateIf(({ apiKeys }: Settings) => apiKeys !== undefined)
  @Matches(/^[\x21-\x2b\x2d-\x7e]{16,}(,[\x21-\x2b\x2d-\x7e]{16,})*$/, {
    message: 'must be keys of at least 16 characters each, separated by commas without spaces',
  })
  apiKeys!: string | undefined;

  @Setting('number', 'Requests a second that one key of the HTTP API may make.')
  @Min(1)
  @Max(1_000_000)
  @IsInt({ message: 'must be a whole number from 1 to 1000000' })
  apiRequestsPerSecond!: number;
}
