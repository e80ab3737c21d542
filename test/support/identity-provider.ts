import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { token } from './tokens.js';

/** Answers one request for keys. */
export type KeyAnswer = (response: ServerResponse, request: IncomingMessage) => void;

/** A key of an identity provider. */
export interface SigningKey {
  /** The public part, as a JWKS has it. */
  readonly jwk: JWK;
  /** Signs a valid token; its header has the `kid` of the key, unless another or none is given. */
  sign(kid?: string | null, claims?: Record<string, unknown>): Promise<string>;
}

/** Makes a key with this id. */
export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg };
  return { jwk, sign: (other, claims) => signed(privateKey, alg, other === undefined ? kid : other, claims) };
}

function signed(
  key: CryptoKey,
  alg: string,
  kid: string | null,
  claims: Record<string, unknown> = {},
): Promise<string> {
  return token({ key, header: { alg, ...(kid !== null && { kid }) }, claims });
}

/** Publishes keys as an identity provider does, or is away in a way of its own. */
export class IdentityProvider {
  /** Requests so far. */
  asked = 0;
  #answer: KeyAnswer = (response) => void response.writeHead(500).end();
  #server!: Server;

  static async start(): Promise<IdentityProvider> {
    const provider = new IdentityProvider();
    await provider.up();
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/keys`;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Publishes these keys from now on. */
  publish(...keys: readonly object[]): void {
    this.answerWith((response) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys })));
  }

  answerWith(answer: KeyAnswer): void {
    this.#answer = answer;
  }

  /** Waits for so many requests since the start. */
  async requests(count: number): Promise<void> {
    while (this.asked < count) await once(this.#server, 'asked');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  private async up(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.asked++;
      this.#answer(response, request);
      this.#server.emit('asked');
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }
}
