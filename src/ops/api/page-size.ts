import { DEFAULT_PAGE, MAX_PAGE } from '../../protocol/index.js';
import { Problem } from './problem.filter.js';

/** Reads the query parameter `limit`. @throws {Problem} 400 for anything but a whole number from 1 to 1,000 */
export function pageSize(limit = String(DEFAULT_PAGE)): number {
  const size = /^\d{1,9}$/.test(limit) ? Number(limit) : 0;
  if (size < 1 || size > MAX_PAGE)
    throw new Problem(400, 'invalid_query', `limit must be a whole number from 1 to ${MAX_PAGE}.`);
  return size;
}
