import { Inject, Injectable } from '@nestjs/common';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RefusalCode } from '../protocol/index.js';
import { Log } from '../telemetry/log.js';
import { Telemetry } from '../telemetry/telemetry.js';

/** Counts and logs how each handshake ended. */
@Injectable()
export class HandshakeRecord {
  constructor(
    @Inject(Telemetry) private readonly telemetry: Telemetry,
    @Inject(Log) private readonly log: Log,
  ) {}

  accepted(): void {
    this.telemetry.count(this.telemetry.handshakes, 'accepted');
  }

  refused(socket: Duplex, code: RefusalCode): void {
    this.telemetry.count(this.telemetry.handshakes, code);
    this.log.info('refused', { code, address: (socket as Socket).remoteAddress });
  }
}
