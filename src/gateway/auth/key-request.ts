/** A JWKS has a few keys of less than 1 KiB. */
const MAX_BYTES = 262_144;
/** The longest time of a request, its body included. */
export const REQUEST_TIMEOUT_MS = 5000;

/**
 * Requests a JWKS.
 *
 * @throws {Error} for another status than 200, a redirection, a long body or a slow one, and when `stopped` is aborted
 */
export async function requestJwks(url: string, stopped: AbortSignal): Promise<string> {
  const headers = { Accept: 'application/json, application/jwk-set+json' };
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  const response = await fetch(url, { headers, redirect: 'manual', signal });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Ending the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer is over ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (response.status !== 200) throw new Error(`the answer has status ${response.status}, not 200`);
  return Buffer.concat(chunks).toString();
}

/** Returns the reason of a failed request. `fetch` gives it as the cause of its error. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}, ${cause.message}` : message;
}
