import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HandshakeRejectionCode } from '../../protocol/index.js';
import { logIncident } from '../../telemetry/incident.js';
import { Log } from '../../telemetry/log.js';
import { Counters } from '../../telemetry/counters.js';
import { ClientAddress } from './client-address.js';
import { isUnixPeer, UNIX_ADDRESS } from './unix-peer.js';

/** Counts the outcome of each handshake. Logs rejections, and what handshakes have thrown. */
@Injectable()
export class HandshakeMetrics {
  constructor(
    private readonly counters: Counters,
    private readonly log: Log,
    private readonly addresses: ClientAddress,
  ) {}

  accepted(): void {
    this.counters.count(this.counters.handshakes, 'accepted');
  }

  /** @param reason for the log only */
  rejected(request: IncomingMessage, code: HandshakeRejectionCode, reason?: string): void {
    this.#rejected(code, this.addresses.resolve(request), reason);
  }

  /** Records bytes that are no HTTP request; only the address of their connection is known. */
  rejectedUnparsed(socket: Duplex, code: HandshakeRejectionCode): void {
    const peer = socket as Socket;
    this.#rejected(code, isUnixPeer({ socket: peer }) ? UNIX_ADDRESS : peer.remoteAddress);
  }

  /** Logs what a handshake has thrown. Its connection is cut without an answer. */
  failed(error: unknown): void {
    logIncident(this.log, error, {});
  }

  #rejected(code: HandshakeRejectionCode, address: string | undefined, reason?: string): void {
    this.counters.count(this.counters.handshakes, code);
    this.log.info('handshake refused', { code, reason, address });
  }
}
