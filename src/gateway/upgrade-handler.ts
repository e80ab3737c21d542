import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { logIncident } from '../telemetry/incident.js';
import { Log } from '../telemetry/log.js';
import type { GatewaySocket } from './gateway-socket.js';
import { Admission, TOO_MANY, type AdmissionResult } from './handshake/admission.js';
import type { ClosedAdmission, RemoteClient } from './handshake/connection-places.js';
import { ConnectionLimits } from './handshake/connection-limits.js';
import { Handshake } from './handshake/handshake.js';
import { HandshakeMetrics } from './handshake/handshake-metrics.js';
import { rejectUpgrade, type HandshakeRejection } from './http/rejection.js';
import { PipedUpgrades, type PipedAdmission } from './piped-upgrades.js';
import { SessionOpener } from './session-opener.js';
import { isThenable } from './thenable.js';

/** Decision about an upgrade once everything that must be awaited is known. */
type Decided = Exclude<AdmissionResult, RemoteClient> | PipedAdmission;

/**
 * Answers upgrade requests: checks and admits each one, and opens its session or rejects it with a complete HTTP response.
 */
@Injectable()
export class UpgradeHandler {
  /** Handshakes whose client is being identified, or whose session is on another node that is being asked. */
  readonly #pending = new Map<Duplex, IncomingMessage>();

  constructor(
    private readonly handshake: Handshake,
    private readonly admission: Admission,
    private readonly sessionOpener: SessionOpener,
    private readonly pipedUpgrades: PipedUpgrades,
    private readonly connectionLimits: ConnectionLimits,
    private readonly metrics: HandshakeMetrics,
    private readonly log: Log,
  ) {}

  /**
   * Destroys all connections. Must follow the start of the drain, which rejects upgrades from then on. Rejects those whose
   * client is being identified, too, because the HTTP server would wait for the result.
   */
  async stop(): Promise<void> {
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [socket, request] of pending) {
      const rejection = this.handshake.rejection(request);
      if (rejection !== undefined) this.#reject(request, socket, rejection);
    }
    this.pipedUpgrades.stop();
    await this.sessionOpener.stop();
  }

  /** Answers an upgrade. Throws nothing, because a listener of the HTTP server calls it. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!socket.writable) return leave(socket); // a listener of the application has answered
    try {
      this.#answer(request, socket, head);
    } catch (error) {
      this.#abandon(socket, error);
    }
  }

  /** Logs what a handshake has thrown and cuts its connection, because one fault must not end the process. */
  #abandon(socket: Duplex, error: unknown): void {
    logIncident(this.log, error, {});
    socket.on('error', () => undefined); // an error of an earlier write may be pending
    socket.destroy();
  }

  #answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const rejection = this.handshake.rejection(request);
    if (rejection !== undefined) return this.#reject(request, socket, rejection);
    const result = this.admission.admit(request);
    if (!isThenable(result) && !('remote' in result)) return this.#decide(result, request, socket, head);
    this.connectionLimits.release(socket); // the admission counts the connection while it waits
    const decided = this.#resolve(result, request);
    this.#await(decided, request, socket, head).catch((error: unknown) => this.#abandon(socket, error));
  }

  /** Waits for the admission, and for another node where the session is there. */
  async #resolve(
    result: AdmissionResult | Promise<AdmissionResult | undefined>,
    request: IncomingMessage,
  ): Promise<Decided | undefined> {
    const admitted = await result;
    return admitted !== undefined && 'remote' in admitted ? this.pipedUpgrades.find(admitted, request) : admitted;
  }

  /** Waits until an upgrade is decided. Bytes that arrive meanwhile stay in the socket, because nothing reads it. */
  async #await(
    deciding: Promise<Decided | undefined>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    this.#pending.set(socket, request);
    let isWaiting = true;
    const decided = await deciding.finally(() => (isWaiting = this.#pending.delete(socket)));
    if (decided === undefined) return void socket.destroy();
    const rejection = this.handshake.rejection(request);
    if (rejection !== undefined) this.#release(decided);
    if (!isWaiting) return; // rejected by `stop`
    this.#decide(rejection ?? decided, request, socket, head);
    socket.off('error', onError); // only now, because the next owner of the socket has its own listener
  }

  /** Uncounts an upgrade that is not answered with 101. */
  #release(decided: Decided): void {
    if ('dialed' in decided) this.pipedUpgrades.release(decided);
    else if (!('code' in decided)) this.admission.release(decided);
  }

  #decide(result: Decided, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if ('code' in result) return this.#reject(request, socket, result);
    if ('dialed' in result) {
      this.metrics.accepted();
      return this.pipedUpgrades.pipe(result, request.socket, head);
    }
    if ('closeCode' in result) return this.#closeAtOnce(request, socket, head, result);
    let webSocket: GatewaySocket | undefined;
    socket.cork(); // until the welcome, so that the handshake response and the welcome leave with one write
    try {
      this.sessionOpener.open(request, socket, head, result, (accepted) => {
        webSocket = accepted;
        this.connectionLimits.release(socket);
        this.metrics.accepted();
      });
    } catch (error) {
      if (webSocket?.session === undefined) this.#abandon(socket, error);
      else webSocket.session.fail(error);
    } finally {
      socket.uncork();
    }
    if (webSocket?.session === undefined) this.admission.release(result);
  }

  /** Accepts an upgrade and closes it. The connection counts until it is gone, so that their number is limited. */
  #closeAtOnce(request: IncomingMessage, socket: Duplex, head: Buffer, closed: ClosedAdmission): void {
    this.metrics.rejected(request, TOO_MANY.code, `closed with ${closed.closeCode}`);
    if (socket.destroyed) return this.admission.release(closed);
    socket.once('close', () => this.admission.release(closed));
    this.connectionLimits.release(socket);
    this.sessionOpener.closeAtOnce(request, socket, head, closed.closeCode);
  }

  #reject(request: IncomingMessage, socket: Duplex, rejection: HandshakeRejection): void {
    this.metrics.rejected(request, rejection.code, rejection.reason);
    rejectUpgrade(socket, rejection, request.method);
  }
}

/** Reads a socket that another listener has ended until it is gone, because nothing else would notice its end. */
function leave(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.resume();
}
