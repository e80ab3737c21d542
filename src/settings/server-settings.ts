import { IsIP, Matches, ValidateIf } from 'class-validator';
import type { NoticeScope } from '../protocol/index.js';
import { Check, OneOf, OnOff, WholeNumber } from './check.js';
import { Setting } from './setting.js';
import { unixPathProblem } from './unix-path.js';

/** Listening, the log, timeouts, notices, buffers, draining and the HTTP API. */
export class ServerSettings {
  @Setting('text', 'Address to listen on.')
  @ValidateIf(({ host }: ServerSettings) => host !== 'localhost')
  @IsIP(undefined, { message: 'must be an IP address or localhost' })
  host!: string;

  @Setting('number', 'TCP port to listen on; 0 lets the system choose.')
  @WholeNumber({ max: 65_535 })
  port!: number;

  @Setting(
    'text',
    'Unix socket to listen on too, for a proxy on this machine: `unix:/run/switchboard/0.sock`, or `unix:/run/switchboard/*.sock` for the first free one of `0.sock` to `15.sock`.',
  )
  @Check(unixPathProblem)
  listen: string | undefined;

  @Setting('text', 'Path of the WebSocket endpoint; a trailing slash is allowed in requests.')
  @Matches(/^(\/(?!\.\.?(\/|$))[A-Za-z0-9._~-]+)+$/, {
    message: 'must be a path such as /wss, without a trailing slash',
  })
  wsPath!: string;

  @Setting(
    'text',
    'Path below which health checks, metrics, client, console, documentation and HTTP API are served. The WebSocket endpoint stays at `WS_PATH`.',
  )
  @ValidateIf(({ httpBase }: ServerSettings) => httpBase !== undefined)
  @Matches(/^(\/|(\/(?!\.\.?(\/|$))[A-Za-z0-9._~-]+)+)$/, {
    message: 'must be / or a path such as /chat, without a trailing slash',
  })
  httpBase!: string | undefined;

  @Setting('text', 'Lowest level that is logged: `error`, `warn`, `info` or `debug`.')
  @OneOf('error', 'warn', 'info', 'debug')
  logLevel!: 'error' | 'warn' | 'info' | 'debug';

  @Setting('text', 'Format of the log: `text` for a terminal, `json` for a container.')
  @OneOf('text', 'json')
  logFormat!: 'text' | 'json';

  @Setting(
    'number',
    'Milliseconds between two pings; a session that is silent for one interval is closed with 4101, and later where it may still be reading.',
  )
  @WholeNumber({ unit: 'milliseconds', min: 50 })
  heartbeatMs!: number;

  @Setting('number', 'Maximum size of a message in bytes; a larger one closes the session with 1009.')
  @WholeNumber({ unit: 'bytes', min: 256, max: 64 * 1024 * 1024 })
  maxMessageBytes!: number;

  @Setting(
    'number',
    'Milliseconds in which the headers of a request must be complete, and its body make progress, see `MIN_BYTES_PER_SECOND`, else 408; in which a `ConnectGuard` must decide, else 503. 0: no limit, also for the guard.',
  )
  @WholeNumber({ unit: 'milliseconds', min: 100, orZero: true })
  handshakeTimeoutMs!: number;

  @Setting(
    'number',
    'Milliseconds in which an unfinished message must make progress, see `MIN_BYTES_PER_SECOND`; else the session is closed with 4104. 0: no limit.',
  )
  @WholeNumber({ unit: 'milliseconds' })
  frameTimeoutMs!: number;

  @Setting(
    'number',
    'Bytes a second, on average over a timeout, at which a message, a request or a response makes progress. Fewer count as none.',
  )
  @WholeNumber({ unit: 'bytes', min: 1 })
  minBytesPerSecond!: number;

  @Setting(
    'number',
    'Milliseconds a handler may take; then its message is answered `internal_error`. Also how long messages wait for arrival hooks.',
  )
  @WholeNumber({ unit: 'milliseconds', min: 10 })
  handlerTimeoutMs!: number;

  @Setting(
    'switch',
    'Whether all other sessions get `sys.arrived` for each new session; the cost grows with the square of the number of sessions.',
  )
  @OnOff()
  arrivalNotices!: boolean;

  @Setting(
    'text',
    'Which sessions get `sys.departed`: `all`, `peers` (sessions that exchanged a message with the departed one; broadcasts do not count), `rooms` (none; members of its rooms get `sys.left`) or `none`.',
  )
  @OneOf('all', 'peers', 'rooms', 'none')
  noticeScope!: NoticeScope;

  @Setting(
    'number',
    'Milliseconds for which arrivals and departures are collected and then sent together; 0: one turn of the event loop.',
  )
  @WholeNumber({ unit: 'milliseconds', max: 10_000 })
  noticeWindowMs!: number;

  @Setting(
    'number',
    'Bytes that may be buffered for one session; above this mark, messages to the session are answered `receiver_overloaded`.',
  )
  @WholeNumber({ unit: 'bytes', min: 16_384 })
  outboxHighWaterBytes!: number;

  @Setting(
    'number',
    'Milliseconds a session above `OUTBOX_HIGH_WATER_BYTES` may make no progress, see `MIN_BYTES_PER_SECOND`; then it is closed with 4100, and later where it may still be reading.',
  )
  @WholeNumber({ unit: 'milliseconds', min: 100 })
  slowConsumerMs!: number;

  @Setting(
    'number',
    'Bytes that may be buffered for all sessions; above this mark, the session with the largest buffer is closed with 1013. 0: no limit.',
  )
  @WholeNumber({ unit: 'bytes', max: Number.MAX_SAFE_INTEGER })
  memoryBudgetBytes!: number;

  @Setting('switch', "Whether plain text frames are read by Switchboard's own frame reader instead of `ws`.")
  @OnOff()
  fastLane!: boolean;

  @Setting('switch', 'Whether the console is served at `/`.')
  @OnOff()
  console!: boolean;

  @Setting('switch', 'Whether the protocol of this server is served, as `/asyncapi.json` and as the page `/docs`.')
  @OnOff()
  docs!: boolean;

  @Setting(
    'number',
    'Milliseconds over which the sessions of a draining node are asked to reconnect. With `RESUME_STATE_DIR` at most `RESUME_WINDOW_MS`.',
  )
  @WholeNumber({ unit: 'milliseconds' })
  drainSpreadMs!: number;

  @Setting('number', 'Milliseconds from the signal to the end of the process; sessions that are still open are cut.')
  @WholeNumber({ unit: 'milliseconds', min: 500 })
  drainTimeoutMs!: number;

  @Setting('number', 'Maximum event loop delay in milliseconds, 90th percentile; above it the node is not ready.')
  @WholeNumber({ unit: 'milliseconds', min: 10 })
  eventLoopDelayMs!: number;

  @Setting('text', 'Keys of the HTTP API, separated by commas. Not set: the API is off.', { secret: true })
  @ValidateIf(({ apiKeys }: ServerSettings) => apiKeys !== undefined)
  @Matches(/^[\x21-\x2b\x2d-\x7e]{16,}(,[\x21-\x2b\x2d-\x7e]{16,})*$/, {
    message: 'must be keys of at least 16 characters each, separated by commas without spaces',
  })
  apiKeys!: string | undefined;

  @Setting('number', 'Requests a second that one key of the HTTP API may make.')
  @WholeNumber({ unit: 'requests', min: 1, max: 1_000_000 })
  apiRequestsPerSecond!: number;
}
