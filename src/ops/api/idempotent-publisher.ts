import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Backplane } from '../../cluster/backplane.js';
import { LocalNode } from '../../messaging/local-node.js';
import { MessageError } from '../../protocol/index.js';
import type { PostedResult } from './api.dto.js';
import { ApiPublisher } from './api-publisher.js';
import { Idempotency, type Outcome } from './idempotency.js';
import { Problem } from './problem.filter.js';

/** A message with an `Idempotency-Key`, as it goes to the owner of the key. */
interface PublishRequest {
  readonly scope: string;
  readonly key: string;
  readonly body: string;
}

/** The answer of the owner. The requesting node throws the error again that the owner caught. */
type PublishResult =
  | Outcome<PostedResult>
  | { readonly problem: { readonly status: number; readonly code: string; readonly detail: string } }
  | { readonly fault: { readonly code: string; readonly message: string } };

const TOO_LARGE =
  'The body does not fit into one message between nodes; shorten it, or send it without Idempotency-Key.';

/** Publishes messages of the HTTP API. For each `Idempotency-Key` one node of the cluster, its owner, caches the result. */
@Injectable()
export class IdempotentPublisher {
  constructor(
    private readonly publisher: ApiPublisher,
    private readonly idempotency: Idempotency<PostedResult>,
    private readonly backplane: Backplane,
    localNode: LocalNode,
  ) {
    localNode.registerRpc('publish', async (request) => this.#publishAsOwner(requestOf(request)));
  }

  /**
   * @param authorization header of the caller, because two callers may use the same key
   * @throws {MessageError} `unavailable` where the owner of the key does not answer as an owner, or what {@link ApiPublisher} throws
   * @throws {Problem} what {@link Idempotency} throws
   */
  async publish(key: string | undefined, authorization: string, body: string): Promise<Outcome<PostedResult>> {
    if (key === undefined) return { answer: await this.publisher.publish(body), replayed: false };
    const request = { scope: createHash('sha256').update(authorization).digest('base64'), key, body };
    const owner = this.backplane.ownerOf(`${request.scope}\n${key}`);
    if (owner === undefined) return this.#publishOnce(request);
    const response = await this.backplane.rpc(owner, request);
    if (response === 'too_large') throw new Problem(413, 'message_too_big', TOO_LARGE);
    if (response === 'unavailable') throw MessageError.of('unavailable');
    const result = resultOf(response.reply);
    if (result === undefined) throw MessageError.of('unavailable');
    if ('problem' in result) throw new Problem(result.problem.status, result.problem.code, result.problem.detail);
    if ('fault' in result) throw new MessageError(result.fault.code, result.fault.message);
    return result;
  }

  #publishOnce({ key, scope, body }: PublishRequest): Promise<Outcome<PostedResult>> {
    return this.idempotency.once(key, scope, body, () => this.publisher.publish(body));
  }

  async #publishAsOwner(request: PublishRequest): Promise<PublishResult> {
    try {
      return await this.#publishOnce(request);
    } catch (error) {
      if (error instanceof Problem)
        return { problem: { status: error.status, code: error.code, detail: error.detail } };
      if (error instanceof MessageError) return { fault: { code: error.code, message: error.message } };
      throw error;
    }
  }
}

/** @throws {Error} for what is not a request to the owner of a key, which a node of another version may send */
function requestOf(data: unknown): PublishRequest {
  if (!hasTexts(data, 'scope', 'key', 'body')) throw new Error('the RPC of another node is not a message with a key');
  return data as unknown as PublishRequest;
}

/** Returns the answer of an owner; `undefined` for anything else, which a node of another version may send. */
function resultOf(data: unknown): PublishResult | undefined {
  if (!isRecord(data)) return undefined;
  const { problem, fault, answer, replayed } = data;
  if (hasTexts(problem, 'code', 'detail') && Number.isInteger(problem['status'])) return data as PublishResult;
  if (hasTexts(fault, 'code', 'message')) return data as PublishResult;
  return hasTexts(answer, 'status') && typeof replayed === 'boolean' ? (data as unknown as PublishResult) : undefined;
}

function hasTexts(data: unknown, ...names: readonly string[]): data is Record<string, unknown> {
  return isRecord(data) && names.every((name) => typeof data[name] === 'string');
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null;
}
