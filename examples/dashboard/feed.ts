/** The values that the page draws, by name. */
export type Values = Readonly<Record<string, number>>;

export interface Target {
  /** `http://HOST:PORT` of the server. */
  readonly url: string;
  /** One of its `API_KEYS`. */
  readonly key: string;
}

const TIMEOUT_MS = 5000;

/**
 * Sends values to every page, with one HTTP request.
 *
 * @throws {Error} with status and body of the response when the server refuses them
 */
export async function post({ url, key }: Target, values: Values): Promise<void> {
  const response = await fetch(`${url}/api/v1/messages`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      type: 'dashboard.values',
      sender: 'server/feed',
      receiver: '*',
      data: { atMs: Date.now(), values },
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the server refused the values: ${response.status} ${text}`);
}
