import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Admission, type AdmissionResult } from './handshake/admission.js';
import type { RemoteClient } from './handshake/connection-places.js';
import type { Dialed } from './pipes/pipe-dialer.js';
import { Pipes } from './pipes/pipes.js';
import { RemoteReturns } from './pipes/remote-returns.js';

/** An admitted client, and the connection to the node of its session. */
export interface PipedAdmission {
  readonly client: RemoteClient;
  readonly dialed: Dialed;
}

/** Pipes admitted clients to the nodes of their sessions. A piped connection counts on this node until it is gone. */
@Injectable()
export class PipedUpgrades {
  constructor(
    private readonly admission: Admission,
    private readonly remoteReturns: RemoteReturns,
    private readonly pipes: Pipes,
  ) {}

  /** Connects to the node of a session. Admits the client to a new session of this node where that session is gone. */
  async find(
    client: RemoteClient,
    request: IncomingMessage,
  ): Promise<Exclude<AdmissionResult, RemoteClient> | PipedAdmission> {
    const { remote: offer, identity } = client;
    let isHeld = false;
    try {
      const found = await this.remoteReturns.find({ offer, identity, request });
      if ('code' in found) return found;
      isHeld = true;
      return 'noReturn' in found ? this.admission.admitAnew(client, found.noReturn) : { client, dialed: found };
    } finally {
      if (!isHeld) this.admission.release(client);
    }
  }

  /** Answers the upgrade of a client with the response of the other node, and pipes the connection. */
  pipe(piped: PipedAdmission, socket: Socket, head: Buffer): void {
    if (socket.destroyed) return this.release(piped);
    this.pipes.join(socket, head, piped.dialed, () => this.admission.release(piped.client));
  }

  /** Gives up a connection that is not piped. */
  release({ client, dialed }: PipedAdmission): void {
    dialed.socket.destroy();
    this.admission.release(client);
  }

  /** Cuts all pipes. */
  stop(): void {
    this.pipes.stop();
  }
}
