// @ts-check
import { Failure, UsageError } from './failure.js';

const NAME = 'asyncapi.json';
const TIMEOUT_MS = 10_000;
/** The document of a server with thousands of handlers is smaller. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Returns the URL of the AsyncAPI document of a server.
 *
 * @param {string} address the address of the server with its HTTP_BASE, or the URL of the document
 * @throws {UsageError}
 */
export function documentUrl(address) {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined)
    throw new UsageError(`${JSON.stringify(address)} is no URL; write one such as http://127.0.0.1:3000`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageError(
      `${JSON.stringify(address)} begins with ${url.protocol}; the document is read over http: or https:`,
    );
  if (url.username !== '' || url.password !== '')
    throw new UsageError("the URL contains a name or a password; pass --header 'Authorization: Basic …' instead");
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith(`/${NAME}`)) url.pathname = `${url.pathname.replace(/\/+$/, '')}/${NAME}`;
  return url;
}

/**
 * Reads the AsyncAPI document of a server.
 *
 * @param {URL} url
 * @param {[name: string, value: string][]} headers
 * @returns {Promise<import('./messages-module.js').AsyncApi>}
 * @throws {Failure}
 */
export async function readDocument(url, headers) {
  const text = await read(url, headers);
  const document = parseJson(text);
  if (document?.info?.title !== 'Switchboard' || !String(document.asyncapi).startsWith('3.'))
    throw new Failure(`${url} is not the AsyncAPI 3 document of a Switchboard server; correct the URL`);
  return document;
}

/**
 * @param {URL} url
 * @param {[name: string, value: string][]} headers
 */
async function read(url, headers) {
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) throw new Failure(`${url} answered ${response.status}; ${remedy(response)}`);
    return await textOf(response, url);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { name, cause } = /** @type {Error & { cause?: { code?: string; message?: string } }} */ (error);
    if (name === 'TimeoutError')
      throw new Failure(`${url} did not answer within ${TIMEOUT_MS / 1000} s; check that the server runs there`);
    const reason = cause?.code ?? cause?.message ?? String(error);
    throw new Failure(`cannot read ${url} (${reason}); start the server, or correct the URL`);
  }
}

/** @param {Response} response */
function remedy({ status, headers }) {
  if (status >= 300 && status < 400) return `use the URL ${JSON.stringify(headers.get('location'))}`;
  if (status === 401 || status === 403) return "pass --header 'Authorization: …'";
  if (status === 404) return 'the server needs DOCS=on, and the URL needs its HTTP_BASE';
  return 'read the log of the server';
}

/**
 * @param {Response} response
 * @param {URL} url
 */
async function textOf({ body }, url) {
  /** @type {Uint8Array[]} */
  const chunks = [];
  let bytes = 0;
  for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (body ?? []))) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Failure(`${url} has more than ${MAX_BYTES} bytes; correct the URL`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
