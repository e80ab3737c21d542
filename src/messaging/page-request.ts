import { DEFAULT_PAGE, MAX_PAGE } from '../protocol/index.js';

/** Which page of a list server code requests. */
export interface PageRequest {
  /** The `next` of the page before; absent for the first page. */
  readonly after?: string | undefined;
  /** Entries on the page: 1 to 1,000, 100 by default. */
  readonly limit?: number | undefined;
}

/** Returns the number of entries on a page. @throws {RangeError} where `limit` is out of range */
export function pageLimit({ limit = DEFAULT_PAGE }: PageRequest): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
    throw new RangeError(`limit must be a whole number from 1 to ${MAX_PAGE}`);
  return limit;
}
