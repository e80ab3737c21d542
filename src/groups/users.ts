import { Injectable } from '@nestjs/common';
import { kindOf } from '../messaging/encoded-message.js';
import { pageLimit, type PageRequest } from '../messaging/page-request.js';
import type { IdPage } from '../sessions/sorted-ids.js';
import { UserIndex } from './user-index.js';

/**
 * Lists the sessions of users on all nodes, at once and without asking other nodes. Inject it into a handler. A user is the
 * `sub` of a token, without `@`. `Switchboard.closeUser` closes the same sessions.
 */
@Injectable()
export class Users {
  constructor(private readonly userIndex: UserIndex) {}

  /** Returns how many sessions a user has; 0 for a user who is offline. @throws {TypeError} for what is not a text */
  count(user: string): number {
    return this.userIndex.count(checkedUser(user));
  }

  /**
   * Returns one page of the ids of the sessions of a user, in order.
   *
   * @throws {RangeError} where `limit` is out of range
   * @throws {TypeError} for what is not a text
   */
  sessions(user: string, page: PageRequest = {}): IdPage {
    return this.userIndex.page(checkedUser(user), page.after, pageLimit(page));
  }
}

function checkedUser(user: unknown): string {
  if (typeof user !== 'string') throw new TypeError(`a user is a text, and not ${kindOf(user)}`);
  return user;
}
