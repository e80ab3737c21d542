import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { Answer } from './ask.js';

/** A key of the HTTP API. */
export const API_KEY = 'a-new-key-of-many-characters!';

export interface CallOptions {
  readonly body?: string | undefined;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request to the HTTP API of a node. @param path below `/api/v1` */
export async function callApi(
  { port }: { readonly port: number },
  method: string,
  path: string,
  { body, key = API_KEY, headers = {} }: CallOptions = {},
): Promise<Answer> {
  const type: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const sent = httpRequest(`http://127.0.0.1:${port}/api/v1${path}`, {
    method,
    agent: false,
    headers: { Authorization: `Bearer ${key}`, ...type, ...headers },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, headers: response.headers, body: await text(response) };
}

/** Reads problem details and checks their form. */
export function problem({ status, headers, body }: Answer): string {
  expect(headers['content-type']).toBe('application/problem+json');
  const { status: statusInBody, code, type, title, detail } = JSON.parse(body) as Record<string, unknown>;
  expect([statusInBody, type, typeof title, typeof detail]).toEqual([status, 'about:blank', 'string', 'string']);
  return `${status} ${String(code)}`;
}
