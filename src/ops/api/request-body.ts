import { Injectable } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { SlowConsumers } from '../../sessions/slow-consumers.js';
import { Settings } from '../../settings/settings.js';
import { Problem } from './problem.filter.js';

const JSON_TYPE = /^application\/json *(; *charset="?utf-8"? *)?$/i;

/**
 * Reads the bodies of requests, and counts their bytes against `MEMORY_BUDGET_BYTES` until each request is answered.
 */
@Injectable()
export class RequestBodies {
  readonly #maxBytes: number;

  constructor(
    private readonly slowConsumers: SlowConsumers,
    { maxMessageBytes }: Settings,
  ) {
    this.#maxBytes = maxMessageBytes;
  }

  /**
   * Reads a JSON request as text, because parsing it would lose what the contract says is carried unchanged, and
   * returns what `work` makes of it.
   *
   * @throws {Problem} 413 over `MAX_MESSAGE_BYTES`, 429 over the memory budget, 415 for another media type or encoding,
   *   400 for a body that ends early or is not UTF-8
   */
  async withJson<Answer>(request: IncomingMessage, work: (body: string) => Promise<Answer>): Promise<Answer> {
    const { headers } = request;
    if (!JSON_TYPE.test(headers['content-type'] ?? '') || headers['content-encoding'] !== undefined)
      throw new Problem(415, 'unsupported_media_type', 'The body must be application/json, in UTF-8 and not encoded.');
    if (Number(headers['content-length'] ?? 0) > this.#maxBytes) throw this.#tooLarge();
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      await this.#read(request, (chunk) => {
        if (bytes + chunk.length > this.#maxBytes) throw this.#tooLarge();
        if (!this.slowConsumers.tryBorrow(chunk.length)) throw overBudget();
        bytes += chunk.length;
        chunks.push(chunk);
      });
      return await work(textOf(chunks));
    } finally {
      this.slowConsumers.giveBack(bytes);
    }
  }

  async #read(request: IncomingMessage, take: (chunk: Buffer) => void): Promise<void> {
    try {
      // A destroyed request would take the connection away from a proxy that still sends, and the answer with it.
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) take(chunk);
    } catch (error) {
      request.resume();
      if (error instanceof Problem) throw error;
      throw new Problem(400, 'malformed_json', 'The body ended early.');
    }
  }

  #tooLarge(): Problem {
    return new Problem(413, 'message_too_big', `The body is over ${this.#maxBytes} bytes.`);
  }
}

function overBudget(): Problem {
  const headers = { 'Retry-After': '1' };
  return new Problem(429, 'rate_limited', 'The server holds as many bytes as MEMORY_BUDGET_BYTES allows.', headers);
}

/** Joins the chunks and empties the list, so that one copy remains. */
function textOf(chunks: Buffer[]): string {
  const body = Buffer.concat(chunks.splice(0));
  if (!isUtf8(body)) throw new Problem(400, 'malformed_json', 'The body is not UTF-8.');
  return body.toString();
}
