import { Injectable } from '@nestjs/common';
import { MessageError } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
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
    return this.#isOn && this.#waitMs(sender) === 0;
  }

  /**
   * Charges a broadcast of a session.
   *
   * @param ref the message's `id`
   * @throws {MessageError} `forbidden` with `BROADCASTS=off`, `rate_limited` over `BROADCAST_RECEIVERS_PER_SECOND`
   */
  charge(sender: Session, ref: string | undefined): void {
    if (!this.#isOn) throw MessageError.of('forbidden', ref);
    const retryAfterMs = this.#waitMs(sender);
    if (retryAfterMs > 0) throw MessageError.of('rate_limited', ref, { retryAfterMs });
  }

  #waitMs(sender: Session): number {
    return sender.connection?.chargeBroadcast(this.sessionDirectory.size - 1) ?? 0;
  }
}
