import { Injectable } from '@nestjs/common';
import { MessageError } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { chargeReceivers, tryChargeReceivers } from './receiver-rate.js';
import { SessionDirectory } from './session-directory.js';

/**
 * Decides whether a session may broadcast. A broadcast is charged by its receivers on all nodes, because it costs as
 * much as a direct message to each of them. Broadcasts of handlers and of the HTTP API are not limited.
 */
@Injectable()
export class BroadcastLimit {
  readonly #isOn: boolean;

  constructor(
    settings: Settings,
    private readonly sessionDirectory: SessionDirectory,
  ) {
    this.#isOn = settings.broadcasts;
  }

  /** Charges a broadcast of a session; returns `false`, and charges nothing, where {@link charge} throws. */
  tryCharge(sender: Session): boolean {
    return this.#isOn && tryChargeReceivers(sender, this.#receivers);
  }

  /**
   * Charges a broadcast of a session.
   *
   * @param ref the message's `id`
   * @throws {MessageError} `forbidden` with `BROADCASTS=off`, `rate_limited` over `BROADCAST_RECEIVERS_PER_SECOND`
   */
  charge(sender: Session, ref: string | undefined): void {
    if (!this.#isOn) throw MessageError.of('forbidden', ref);
    chargeReceivers(sender, this.#receivers, ref);
  }

  get #receivers(): number {
    return this.sessionDirectory.size - 1;
  }
}
