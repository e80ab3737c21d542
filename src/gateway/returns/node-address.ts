import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { X509Certificate } from 'node:crypto';
import { isIPv6, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Server as TlsServer } from 'node:tls';
import type { Server } from 'node:http';
import { Settings } from '../../settings/settings.js';
import { UNIX_SCHEME } from '../../settings/unix-path.js';

/** Addresses that stand for every interface, to which no other node can connect. */
const EVERY_INTERFACE = new Set(['0.0.0.0', '::']);
const LOOPBACK = '127.0.0.1';

/** Certificates and keys as `node:tls` takes them. */
type Pem = string | Buffer | (string | Buffer)[];

/** Fields that `setSecureContext` of Node's TLS server sets, and that its type declarations lack. */
interface SecureFields {
  readonly cert?: Pem | undefined;
  readonly key?: Pem | undefined;
}

/**
 * Knows the addresses by which other nodes reach this one: `NODE_ADDRESS`, or else the Unix socket of `LISTEN` and the TCP
 * port. Nodes that share the folder of the socket use the socket. All others find no file there, and use TCP.
 */
@Injectable()
export class NodeAddress {
  /** The path of the Unix socket of `LISTEN`. Written by `startApp`. */
  unixPath: string | undefined;
  #certificates: { readonly of: Pem | undefined; readonly fingerprints: readonly string[] } | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** The addresses of this node, best first: `unix:/PATH` or `HOST:PORT`. */
  get all(): readonly string[] {
    const { nodeAddress } = this.settings;
    if (nodeAddress !== undefined) return [nodeAddress];
    const bound = this.#server.address();
    if (typeof bound === 'string') return [UNIX_SCHEME + bound];
    const { unixPath } = this;
    return [...(unixPath === undefined ? [] : [UNIX_SCHEME + unixPath]), ...(bound === null ? [] : [reachable(bound)])];
  }

  /**
   * The fingerprints of the certificates that this node serves at its TCP port; `undefined` where the port has no TLS. Empty
   * where Node does not show the certificates of the server.
   */
  get fingerprints(): readonly string[] | undefined {
    const server = this.#server;
    if (!(server instanceof TlsServer)) return undefined;
    const { cert } = server as SecureFields;
    if (this.#certificates === undefined || this.#certificates.of !== cert)
      this.#certificates = { of: cert, fingerprints: listOf(cert).map(fingerprintOf) };
    return this.#certificates.fingerprints;
  }

  /** The certificate and the key of this node, for nodes that require client certificates. */
  get certificate(): SecureFields {
    const { cert, key } = this.#server as SecureFields;
    return { cert, key };
  }

  get #server(): Server {
    return this.adapterHost.httpAdapter.getHttpServer() as Server;
  }
}

/** Returns `HOST:PORT` of a bound address. Replaces the address of every interface by one of this machine. */
function reachable({ address, port }: AddressInfo): string {
  const host = EVERY_INTERFACE.has(address) ? machineAddress() : address;
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Returns the first address of this machine that is not internal. Prefers IPv4; leaves out link-local addresses. */
function machineAddress(): string {
  const external = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ internal, scopeid }) => !internal && !scopeid);
  const first = external.find(({ family }) => family === 'IPv4') ?? external[0];
  return first?.address ?? LOOPBACK;
}

function listOf(pem: Pem | undefined): readonly (string | Buffer)[] {
  if (pem === undefined) return [];
  return typeof pem === 'string' || Buffer.isBuffer(pem) ? [pem] : pem;
}

/** Returns the fingerprint of the first certificate of a chain. */
function fingerprintOf(pem: string | Buffer): string {
  return new X509Certificate(pem).fingerprint256;
}
