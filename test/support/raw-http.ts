import { once } from 'node:events';
import { connect } from 'node:net';

/** The headers of a WebSocket handshake, one a line. */
export const UPGRADE_HEADERS = [
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
] as const;

/** Encodes a request line and headers, the empty line included. */
export function request(line: string, headers: readonly string[] = UPGRADE_HEADERS): string {
  return `${[line, ...headers].join('\r\n')}\r\n\r\n`;
}

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** All bytes after the headers until the server ended the connection. */
  readonly body: string;
}

/** Sends bytes on a new connection and reads until the server ends it. */
export async function exchange(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = connect({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  let failed: Error | undefined;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', (error) => (failed = error));
  socket.write(bytes);
  await once(socket, 'close').catch(() => undefined);
  const answer = Buffer.concat(chunks).toString();
  const end = answer.indexOf('\r\n\r\n');
  if (end === -1) throw new Error(`no complete response (${failed?.message ?? 'ended'}): ${JSON.stringify(answer)}`);
  const [first = '', ...lines] = answer.slice(0, end).split('\r\n');
  return {
    status: Number(first.split(' ')[1]),
    headers: new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^.*?: */, '')]),
    ),
    body: answer.slice(end + 4),
  };
}
