import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HandshakeRejectionCode } from '../../protocol/index.js';
import { Log } from '../../telemetry/log.js';
import { Counters } from '../../telemetry/counters.js';
import { ClientAddress } from './client-address.js';

/** Counts and logs how each handshake ended. */
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

  refused(request: IncomingMessage, code: HandshakeRejectionCode): void {
    this.#refused(code, this.addresses.resolve(request));
  }

  /** What came was no request. */
  unread(socket: Duplex, code: HandshakeRejectionCode): void {
    this.#refused(code, (socket as Socket).remoteAddress);
  }

  #refused(code: HandshakeRejectionCode, address: string | undefined): void {
    this.counters.count(this.counters.handshakes, code);
    this.log.info('refused', { code, address });
  }
}
