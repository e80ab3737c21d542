import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConnectionLimits } from './handshake/connection-limits.js';
import { Handshake } from './handshake/handshake.js';
import { UpgradeAdmission, type UpgradeDecision } from './handshake/upgrade-admission.js';
import { isThenable } from './thenable.js';
import { UpgradeAnswers } from './upgrade-answers.js';

/** Takes upgrade requests: checks each one, and has it decided and answered. Holds those that wait for their decision. */
@Injectable()
export class UpgradeHandler {
  /** Handshakes whose client is being identified, or whose session is on another node that is being asked. */
  readonly #pending = new Map<Duplex, IncomingMessage>();

  constructor(
    private readonly handshake: Handshake,
    private readonly admission: UpgradeAdmission,
    private readonly answers: UpgradeAnswers,
    private readonly connectionLimits: ConnectionLimits,
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
      if (rejection !== undefined) this.answers.reject(request, socket, rejection);
    }
    await this.answers.stop();
  }

  /** Answers an upgrade. Throws nothing, because a listener of the HTTP server calls it. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!socket.writable) return leave(socket); // a listener of the application has answered
    try {
      this.#answer(request, socket, head);
    } catch (error) {
      this.answers.abandon(socket, error);
    }
  }

  #answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const rejection = this.handshake.rejection(request);
    if (rejection !== undefined) return this.answers.reject(request, socket, rejection);
    const decision = this.admission.admit(request);
    if (!isThenable(decision)) return this.answers.answer(decision, request, socket, head);
    this.connectionLimits.release(socket); // the admission counts the connection while it waits
    this.#await(decision, request, socket, head).catch((error: unknown) => this.answers.abandon(socket, error));
  }

  /** Waits until an upgrade is decided. Bytes that arrive meanwhile stay in the socket, because nothing reads it. */
  async #await(
    deciding: Promise<UpgradeDecision | undefined>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    this.#pending.set(socket, request);
    let isWaiting = true;
    const decision = await deciding.finally(() => (isWaiting = this.#pending.delete(socket)));
    if (decision === undefined) return void socket.destroy();
    const rejection = this.handshake.rejection(request);
    if (rejection !== undefined) this.admission.release(decision);
    if (!isWaiting) return; // rejected by `stop`
    this.answers.answer(rejection ?? decision, request, socket, head);
    socket.off('error', onError); // only now, because the next owner of the socket has its own listener
  }
}

/** Reads a socket that another listener has ended until it is gone, because nothing else would notice its end. */
function leave(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.resume();
}
