import { Injectable, UseInterceptors } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Length } from 'class-validator';
import { createHash } from 'node:crypto';
import { MessageError, MessagingGateway, sessionOf } from 'switchboard';

class HashDto {
  @Length(1, 1000) text!: string;
}
/** Allows a user five calls a second, on all connections together; counts by address without a user, on each node. */
@Injectable()
class UserLimitInterceptor implements NestInterceptor {
  /** Calls in this second, of at most 100,000 users. Each second begins with an empty map, so no user stays in it. */
  readonly #calls = new Map<string, number>();
  #endsAtMs = 0;

  intercept(context: ExecutionContext, next: CallHandler) {
    const { user, address } = sessionOf(context);
    const key = user === undefined ? `address ${address}` : `user ${user}`;
    const nowMs = performance.now();
    if (nowMs >= this.#endsAtMs || this.#calls.size >= 100_000) {
      this.#calls.clear();
      this.#endsAtMs = nowMs + 1000;
    }
    const calls = (this.#calls.get(key) ?? 0) + 1;
    this.#calls.set(key, calls);
    if (calls <= 5) return next.handle();
    const retryAfterMs = Math.ceil(this.#endsAtMs - nowMs);
    throw new MessageError('rate_limited', 'Too many calls of this user.', undefined, { retryAfterMs });
  }
}
@UseInterceptors(UserLimitInterceptor)
@MessagingGateway()
export class HashGateway {
  @SubscribeMessage('hash.text') hash(@MessageBody() { text }: HashDto): { sha256: string } {
    return { sha256: createHash('sha256').update(text).digest('hex') };
  }
}
