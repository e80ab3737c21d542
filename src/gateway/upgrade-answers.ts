import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewaySocket } from './gateway-socket.js';
import { Admission, TOO_MANY } from './handshake/admission.js';
import { ConnectionLimits } from './handshake/connection-limits.js';
import type { AdmittedClient, ClosedAdmission } from './handshake/connection-places.js';
import { HandshakeMetrics } from './handshake/handshake-metrics.js';
import type { PipedClient, UpgradeDecision } from './handshake/upgrade-admission.js';
import { rejectUpgrade, type HandshakeRejection } from './http/rejection.js';
import { Pipes } from './returns/pipes.js';
import { SessionOpener } from './session-opener.js';

/**
 * Answers decided upgrades. A rejection is a complete HTTP response. An accepted connection gets its session, is piped to
 * another node, or is closed.
 */
@Injectable()
export class UpgradeAnswers {
  constructor(
    private readonly admission: Admission,
    private readonly sessionOpener: SessionOpener,
    private readonly pipes: Pipes,
    private readonly connectionLimits: ConnectionLimits,
    private readonly metrics: HandshakeMetrics,
  ) {}

  /** Answers an upgrade by its decision. */
  answer(decision: UpgradeDecision, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if ('code' in decision) return this.reject(request, socket, decision);
    if ('dialed' in decision) return this.#pipe(decision, request, head);
    if ('closeCode' in decision) return this.#closeAtOnce(decision, request, socket, head);
    this.#open(decision, request, socket, head);
  }

  /** Rejects an upgrade. */
  reject(request: IncomingMessage, socket: Duplex, rejection: HandshakeRejection): void {
    this.metrics.rejected(request, rejection.code, rejection.reason);
    rejectUpgrade(socket, rejection, request.method);
  }

  /** Logs what a handshake has thrown and cuts its connection, because one fault must not end the process. */
  abandon(socket: Duplex, error: unknown): void {
    this.metrics.failed(error);
    socket.on('error', () => undefined); // an error of an earlier write may be pending
    socket.destroy();
  }

  /** Destroys all connections. */
  async stop(): Promise<void> {
    this.pipes.stop();
    await this.sessionOpener.stop();
  }

  #open(admitted: AdmittedClient, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    let webSocket: GatewaySocket | undefined;
    socket.cork(); // until the welcome, so that the handshake response and the welcome leave with one write
    try {
      this.sessionOpener.open(request, socket, head, admitted, (accepted) => {
        webSocket = accepted;
        this.connectionLimits.release(socket);
        this.metrics.accepted();
      });
    } catch (error) {
      if (webSocket?.session === undefined) this.abandon(socket, error);
      else webSocket.session.fail(error);
    } finally {
      socket.uncork();
    }
    if (webSocket?.session === undefined) this.admission.release(admitted);
  }

  /** Answers with the response of the other node, and pipes the connection. The connection counts until it is gone. */
  #pipe({ client, dialed }: PipedClient, { socket }: IncomingMessage, head: Buffer): void {
    this.metrics.accepted();
    if (!socket.destroyed) return this.pipes.join(socket, head, dialed, () => this.admission.release(client));
    dialed.socket.destroy();
    this.admission.release(client);
  }

  /** Accepts an upgrade and closes it. The connection counts until it is gone, so that their number is limited. */
  #closeAtOnce(closed: ClosedAdmission, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.metrics.rejected(request, TOO_MANY.code, `closed with ${closed.closeCode}`);
    if (socket.destroyed) return this.admission.release(closed);
    socket.once('close', () => this.admission.release(closed));
    this.connectionLimits.release(socket);
    this.sessionOpener.closeAtOnce(request, socket, head, closed.closeCode);
  }
}
