/** Sizes of pages: powers of two. A page is small where little is unseen, so that at most twice the counted bytes are held. */
const MIN_PAGE_BYTES = 512;
export const MAX_PAGE_BYTES = 8192;
/** Bytes of pages that are kept for reuse. */
const MAX_SPARE_BYTES = 4_194_304;

/**
 * Lends the memory into which replay buffers copy what was sent, and reuses it. Memory that is new for each write would have
 * to be collected, and would drive everything else out of the cache of the processor.
 */
export class ReplayPages {
  /** Pages for reuse, by the binary logarithm of their size. */
  readonly #spare: Buffer[][] = [];
  #spareBytes = 0;

  /** Lends a page of at least `bytes` bytes, and of {@link MAX_PAGE_BYTES} at most. */
  take(bytes: number): Buffer {
    const exponent = exponentOf(Math.min(Math.max(bytes, MIN_PAGE_BYTES), MAX_PAGE_BYTES));
    const page = this.#spare[exponent]?.pop();
    if (page === undefined) return Buffer.allocUnsafeSlow(2 ** exponent);
    this.#spareBytes -= page.length;
    return page;
  }

  /** Takes back a page that nothing refers to any more. */
  give(page: Buffer): void {
    if (this.#spareBytes + page.length > MAX_SPARE_BYTES) return;
    this.#spareBytes += page.length;
    (this.#spare[exponentOf(page.length)] ??= []).push(page);
  }
}

/** Returns the exponent of the smallest power of two that is not less. */
function exponentOf(bytes: number): number {
  return 32 - Math.clz32(bytes - 1);
}
