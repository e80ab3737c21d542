import { ValidateIf } from 'class-validator';
import { constants } from 'node:buffer';
import { OnOff, WholeNumber } from './check.js';
import { Setting } from './setting.js';

/** Limits on connections and on what one session may send; 0 switches a limit off. */
export class LimitSettings {
  @Setting(
    'number',
    'Maximum number of connections; more are rejected with 503. 0: no limit. Not set: 90 % of the file descriptor limit.',
  )
  @ValidateIf(({ maxConnections }: LimitSettings) => maxConnections !== undefined)
  @WholeNumber({ unit: 'connections', max: Number.MAX_SAFE_INTEGER })
  maxConnections: number | undefined;

  @Setting(
    'number',
    'Maximum number of connections without a user from one address (an IPv6 /64 network counts as one). A tenth more, rounded down and 16 at most, are closed with 4103; further ones get 429. As many again may have no session. 0: no limit.',
  )
  @WholeNumber({ unit: 'connections' })
  maxConnectionsPerAddress!: number;

  @Setting(
    'number',
    'Maximum number of connections of one user, on all nodes together; more are rejected with 429. 0: no limit, and connections of users count to their address.',
  )
  @WholeNumber({ unit: 'connections' })
  maxConnectionsPerUser!: number;

  @Setting(
    'number',
    'Maximum size of the address and the headers of a request in bytes, names and values; more are answered 400. Headers that proxies write do not count.',
  )
  @WholeNumber({ unit: 'bytes', min: 4096, max: 1024 * 1024 })
  maxHeaderBytes!: number;

  @Setting(
    'number',
    'Handshakes a second from one address, with a burst of four seconds; more are rejected with 429. 0: no limit.',
  )
  @WholeNumber({ unit: 'handshakes' })
  handshakesPerSecond!: number;

  @Setting(
    'number',
    'HTTP requests a second from one address, with a burst of four seconds; more are answered 429. 0: no limit.',
  )
  @WholeNumber({ unit: 'requests' })
  requestsPerSecond!: number;

  @Setting(
    'number',
    'Milliseconds in which the response to a request must make progress, see `MIN_BYTES_PER_SECOND`; then the connection is cut. 0: no limit.',
  )
  @WholeNumber({ unit: 'milliseconds' })
  responseTimeoutMs!: number;

  @Setting(
    'number',
    'Messages a second of one session, with a burst of five seconds; more are answered `rate_limited`. 0: no limit.',
  )
  @WholeNumber({ unit: 'messages' })
  messagesPerSecond!: number;

  @Setting(
    'number',
    'Bytes a second of one session, with a burst of four seconds; more are answered `rate_limited`. 0: no limit.',
  )
  @WholeNumber({ unit: 'bytes', max: constants.MAX_LENGTH })
  bytesPerSecond!: number;

  @Setting('switch', 'Whether sessions may broadcast (`"receiver":"*"`); `off` answers `forbidden`.')
  @OnOff()
  broadcasts!: boolean;

  @Setting(
    'number',
    'Receivers a second of all broadcasts, room messages and messages to users of one session, and of the notices of its joins, with a burst of one second; more are answered `rate_limited`. 0: no limit.',
  )
  @WholeNumber({ unit: 'receivers' })
  broadcastReceiversPerSecond!: number;

  @Setting('number', 'Maximum number of rooms that one session is a member of; one more is answered `too_many_rooms`.')
  @WholeNumber({ unit: 'rooms', min: 1, max: 10_000 })
  maxRoomsPerSession!: number;

  @Setting('number', 'Maximum number of users that one session watches; one more is answered `too_many_watches`.')
  @WholeNumber({ unit: 'users', min: 1, max: 10_000 })
  maxWatchesPerSession!: number;

  @Setting(
    'number',
    'Number of members above which those of a room get `sys.room` with their number, at most once a second, instead of `sys.joined` and `sys.left`. 0: always.',
  )
  @WholeNumber({ unit: 'members', max: 1_000_000 })
  roomNoticeLimit!: number;

  @Setting(
    'number',
    'Messages a minute answered `malformed_json`, `invalid_message`, `reserved_type` or `unknown_type`; one more closes the session with 1008. 0: no limit.',
  )
  @WholeNumber({ unit: 'messages' })
  faultsPerMinute!: number;

  @Setting('number', 'Messages a minute answered `rate_limited`; one more closes the session with 1008. 0: no limit.')
  @WholeNumber({ unit: 'messages' })
  refusalsPerMinute!: number;

  @Setting(
    'number',
    'Bytes of messages of one session that wait for handlers and token checks; more are answered `rate_limited`. 0: no limit.',
  )
  @WholeNumber({ unit: 'bytes', max: constants.MAX_LENGTH })
  handlerQueueBytes!: number;
}
