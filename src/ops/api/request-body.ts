import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.filter.js';

const JSON_TYPE = /^application\/json *(; *charset="?utf-8"? *)?$/i;

/**
 * Reads the JSON body of a request as text, because `data` must be carried unchanged and parsing would change it.
 *
 * @throws {Problem} 413 over `maxBytes`, 415 for another media type or encoding, 400 for a body that is not UTF-8
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<string> {
  const { headers } = request;
  if (!JSON_TYPE.test(headers['content-type'] ?? '') || headers['content-encoding'] !== undefined)
    throw new Problem(415, 'unsupported_media_type', 'The body must be application/json, in UTF-8 and not encoded.');
  const tooLarge = new Problem(413, 'message_too_big', `The body is over ${maxBytes} bytes.`, { Connection: 'close' });
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (!isUtf8(body)) throw new Problem(400, 'malformed_json', 'The body is not UTF-8.');
  return body.toString();
}
