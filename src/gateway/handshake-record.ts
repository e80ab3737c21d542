import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RefusalCode } from '../protocol/index.js';
import { Log } from '../telemetry/log.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { ClientAddress } from './client-address.js';

/** Counts and logs how each handshake ended. */
@Injectable()
export class HandshakeRecord {
  constructor(
    @Inject(Telemetry) private readonly telemetry: Telemetry,
    @Inject(Log) private readonly log: Log,
    @Inject(ClientAddress) private readonly addresses: ClientAddress,
  ) {}

  accepted(): void {
    this.telemetry.count(this.telemetry.handshakes, 'accepted');
  }

  refused(request: IncomingMessage, code: RefusalCode): void {
    this.#refused(code, this.addresses.of(request));
  }

  /** What came was no request. */
  unread(socket: Duplex, code: RefusalCode): void {
    this.#refused(code, (socket as Socket).remoteAddress);
  }

  #refused(code: RefusalCode, address: string | undefined): void {
    this.telemetry.count(this.telemetry.handshakes, code);
    this.log.info('refused', { code, address });
  }
}
