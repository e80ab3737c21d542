import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Backplane } from '../../cluster/backplane.js';
import { LocalNode } from '../../messaging/local-node.js';
import { MessageError } from '../../protocol/index.js';
import type { PostedResult } from './api.dto.js';
import { Idempotency, type Outcome } from './idempotency.js';
import { Problem } from './problem.filter.js';
import { ApiPublisher } from './api-publisher.js';

/** A message to be posted once under a key. */
interface Post {
  readonly scope: string;
  readonly key: string;
  readonly body: string;
}

/** How a post ended on another node: what it threw there is thrown here. */
type Ending =
  | Outcome<PostedResult>
  | { readonly problem: { readonly status: number; readonly code: string; readonly detail: string } }
  | { readonly fault: { readonly code: string; readonly message: string } };

const TOO_LARGE =
  'The body does not fit into one message between nodes; shorten it, or send it without Idempotency-Key.';

/** Posts messages, those with an `Idempotency-Key` once in the whole cluster: one node, the same for all, does it. */
@Injectable()
export class IdempotentPublisher {
  constructor(
    private readonly messages: ApiPublisher,
    private readonly idempotency: Idempotency<PostedResult>,
    private readonly backplane: Backplane,
    localNode: LocalNode,
  ) {
    localNode.registerRpc((work) => this.#for(work as Post));
  }

  /**
   * @param authorization whose key it is: two callers may use the same one
   * @throws {MessageError} with the code of what is wrong, `unavailable` where the node that keeps the key does not answer
   */
  async post(key: string | undefined, authorization: string, body: string): Promise<Outcome<PostedResult>> {
    if (key === undefined) return { answer: await this.messages.post(body), replayed: false };
    const post = { scope: createHash('sha256').update(authorization).digest('base64'), key, body };
    const keeper = this.backplane.ownerOf(`${post.scope}\n${key}`);
    if (keeper === undefined) return this.#once(post);
    const result = await this.backplane.rpc(keeper, post);
    if (result === 'too_large') throw new Problem(413, 'message_too_big', TOO_LARGE);
    if (result === 'unavailable') throw MessageError.of('unavailable');
    const ending = result.reply as Ending;
    if ('problem' in ending) throw new Problem(ending.problem.status, ending.problem.code, ending.problem.detail);
    if ('fault' in ending) throw new MessageError(ending.fault.code, ending.fault.message);
    return ending;
  }

  #once({ key, scope, body }: Post): Promise<Outcome<PostedResult>> {
    return this.idempotency.once(key, scope, body, () => this.messages.post(body));
  }

  async #for(post: Post): Promise<Ending> {
    try {
      return await this.#once(post);
    } catch (error) {
      if (error instanceof Problem)
        return { problem: { status: error.status, code: error.code, detail: error.detail } };
      if (error instanceof MessageError) return { fault: { code: error.code, message: error.message } };
      throw error;
    }
  }
}
