import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Dialed } from '../returns/pipe-dialer.js';
import { pipedRequest } from '../returns/piped-request.js';
import { RemoteReturns } from '../returns/remote-returns.js';
import type { RemoteReturn } from '../returns/return-offers.js';
import { isThenable } from '../thenable.js';
import { Admission, type AdmissionResult, type LocalAdmission } from './admission.js';
import { ClientAddress, rateLimitKey } from './client-address.js';

/** An admitted client, and the connection to the node of its session. */
export interface PipedClient {
  readonly client: RemoteReturn;
  readonly dialed: Dialed;
}

/** The decision about an upgrade, with the connection to another node where the session is there. */
export type UpgradeDecision = LocalAdmission | PipedClient;

/**
 * Admits upgrades. Connects to another node first where that node has the session, because the session may be gone.
 */
@Injectable()
export class UpgradeAdmission {
  constructor(
    private readonly admission: Admission,
    private readonly remoteReturns: RemoteReturns,
    private readonly addresses: ClientAddress,
  ) {}

  /** Decides about an upgrade as {@link Admission.admit} does; a promise also where another node is asked. */
  admit(request: IncomingMessage): UpgradeDecision | Promise<UpgradeDecision | undefined> {
    const result = this.admission.admit(request);
    return !isThenable(result) && !('nodeId' in result) ? result : this.#settled(result, request);
  }

  /** Uncounts an upgrade that is not answered with 101. */
  release(decision: UpgradeDecision): void {
    if ('code' in decision) return;
    if (!('dialed' in decision)) return this.admission.release(decision);
    decision.dialed.socket.destroy();
    this.admission.release(decision.client);
  }

  async #settled(
    result: AdmissionResult | Promise<AdmissionResult | undefined>,
    request: IncomingMessage,
  ): Promise<UpgradeDecision | undefined> {
    const admitted = await result;
    return admitted !== undefined && 'nodeId' in admitted ? this.#connected(admitted, request) : admitted;
  }

  /** Connects to the node of a session. Admits the client to a new session of this node where that session is gone. */
  async #connected(client: RemoteReturn, request: IncomingMessage): Promise<UpgradeDecision> {
    let isHeld = false;
    try {
      const { address, subject } = client.identity;
      const facts = { address, isSecure: this.addresses.isSecure(request), hasCertificate: subject !== undefined };
      const found = await this.remoteReturns.find(client, rateLimitKey(address), (pass) =>
        pipedRequest(request, pass, facts),
      );
      if ('code' in found) return found;
      isHeld = true;
      return 'reason' in found ? this.admission.admitAnew(client, found.reason) : { client, dialed: found };
    } finally {
      if (!isHeld) this.admission.release(client);
    }
  }
}
