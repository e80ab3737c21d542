import { constants } from 'node:buffer';
import { Check, WholeNumber } from './check.js';
import { Setting } from './setting.js';

/** `unix:/PATH`, or `HOST:PORT`, where HOST may be an IPv6 address in brackets. */
const NODE_ADDRESS = /^(unix:\/\S+|(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5})$/;

/** Sessions that outlive their connections. */
export class ResumeSettings {
  @Setting(
    'number',
    'Milliseconds for which a session without a connection waits for its client, where the client asked for it. 0: no session outlives its connection.',
  )
  @WholeNumber({ unit: 'milliseconds', max: 86_400_000 })
  resumeWindowMs!: number;

  @Setting(
    'number',
    'Bytes that are kept for one session while it is away; messages that do not fit are answered `receiver_overloaded`, broadcasts and notices are counted in `sys.gap`.',
  )
  @WholeNumber({ unit: 'bytes', min: 1024, max: constants.MAX_LENGTH })
  resumeBytes!: number;

  @Setting(
    'number',
    'Bytes that are kept for all sessions that may come back; above this mark, connected sessions that report late are closed with 1013, and the session that is away for the longest time ends. Above half of it, notices are counted in `sys.gap`.',
  )
  @WholeNumber({ unit: 'bytes', min: 1024, max: Number.MAX_SAFE_INTEGER })
  resumeBudgetBytes!: number;

  @Setting('number', 'Milliseconds after which others get `sys.away` of a session that is away. 0: never.')
  @WholeNumber({ unit: 'milliseconds', max: 86_400_000 })
  awayNoticeMs!: number;

  @Setting(
    'text',
    'Folder in which a single node that stops keeps its resumable sessions for the process that follows. Not set: they end.',
  )
  @Check((value: unknown) =>
    value === undefined || (typeof value === 'string' && value.startsWith('/'))
      ? undefined
      : 'must be an absolute path',
  )
  resumeStateDir: string | undefined;

  @Setting(
    'text',
    'Address at which other nodes reach this one to pass on a client that comes back: `HOST:PORT` or `unix:/PATH`. Not set: the Unix socket of `LISTEN`, else `HOST` and `PORT`.',
  )
  @Check((value: unknown) =>
    value === undefined || (typeof value === 'string' && NODE_ADDRESS.test(value))
      ? undefined
      : 'must be HOST:PORT or unix:/PATH',
  )
  nodeAddress: string | undefined;
}
