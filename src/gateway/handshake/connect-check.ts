import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, ModuleRef } from '@nestjs/core';
import { HANDSHAKE_REJECTIONS } from '../../protocol/index.js';
import { chosenProvider, isShared, moduleOf, refuse, type Provider } from '../../messaging/chosen-provider.js';
import type { Credentials } from '../../sessions/identity.js';
import { NodeState } from '../../node/node-state.js';
import { Settings } from '../../settings/settings.js';
import { logIncident } from '../../telemetry/incident.js';
import { guardListeners } from '../../telemetry/guarded-signal.js';
import { Log } from '../../telemetry/log.js';
import { watchDeparture } from '../http/departure-watch.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { ConnectGuard, type ConnectAttempt } from './connect-guard.js';
import { readVerdict, refusalOf } from './connect-verdict.js';

/** Name of the method in the log. */
const HOOK = 'ConnectGuard.canConnect';
/** `Retry-After` of a check that failed or took too long. */
const RETRY_AFTER_SECONDS = 5;

/** `undefined` where the client has left, so that there is nobody to answer. */
export type ConnectResult = Credentials | HandshakeRejection | undefined;

/**
 * Runs the `ConnectGuard` of the application where there is one. A check ends when the guard has decided, the client has
 * left, `HANDSHAKE_TIMEOUT_MS` is over or the node drains, whichever is first. `Admission` counts the connection meanwhile.
 */
@Injectable()
export class ConnectCheck implements OnModuleInit {
  readonly #timeoutMs: number;
  readonly #running = new Set<AbortController>();
  #provider: Provider | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    private readonly log: Log,
    private readonly nodeState: NodeState,
    { handshakeTimeoutMs }: Settings,
  ) {
    this.#timeoutMs = handshakeTimeoutMs;
    // No verdict counts from then on, and the providers that a guard needs are destroyed soon.
    nodeState.onDraining(() => {
      for (const check of this.#running) check.abort();
    });
  }

  /** @throws {StartError} where the guard of the application cannot be used */
  onModuleInit(): void {
    const provider = chosenProvider(this.discovery.getProviders(), ConnectGuard);
    if (provider !== undefined && isShared(provider) && !hasMethod(provider.instance))
      refuse(`ConnectGuard of ${moduleOf(provider)}: must have a method canConnect(attempt)`);
    this.#provider = provider;
  }

  /** Whether the application provides a guard. */
  get isOn(): boolean {
    return this.#provider !== undefined;
  }

  /** Decides about a handshake. Never rejects. @param attempt the handshake and the credentials of its token */
  async run(attempt: Omit<ConnectAttempt, 'signal'>): Promise<ConnectResult> {
    const { request, address, user, claims, expiresAt } = attempt;
    // The token of the handshake may have taken long to verify.
    if (request.socket.destroyed) return undefined;
    if (this.nodeState.phase === 'draining') return unavailable();
    const check = new AbortController();
    guardListeners(check.signal, (error) => logIncident(this.log, error, { hook: HOOK, address }));
    this.#running.add(check);
    let hasLeft = false;
    const endWatch = watchDeparture(request.socket, () => {
      hasLeft = true;
      check.abort();
    });
    const timer =
      this.#timeoutMs === 0
        ? undefined
        : setTimeout(() => {
            this.log.warn('connect guard timed out: answer sooner, or raise HANDSHAKE_TIMEOUT_MS', {
              address,
              limitMs: this.#timeoutMs,
            });
            check.abort();
          }, this.#timeoutMs);
    const aborted = new Promise<HandshakeRejection>((resolve) => {
      check.signal.addEventListener('abort', () => resolve(unavailable()));
    });
    const credentials = { user, claims, expiresAt, byGuard: false };
    const decided = this.#decide({ ...attempt, signal: check.signal }, credentials);
    const result = await Promise.race([aborted, decided]);
    clearTimeout(timer);
    this.#running.delete(check);
    await endWatch();
    return hasLeft ? undefined : result;
  }

  async #decide(attempt: ConnectAttempt, credentials: Credentials): Promise<Credentials | HandshakeRejection> {
    try {
      const guard = await this.#guard(attempt);
      return readVerdict(await guard.canConnect(attempt), credentials);
    } catch (error) {
      return isAbort(error, attempt.signal) ? unavailable() : this.#failed(error, attempt.address);
    }
  }

  /** Maps an exception of the guard. The methods of an exception are code of the application, so they may throw, too. */
  #failed(error: unknown, address: string): HandshakeRejection {
    let failure = error;
    try {
      const refusal = refusalOf(error);
      if (refusal !== undefined) return refusal;
    } catch (thrown) {
      failure = thrown;
    }
    const incident = logIncident(this.log, failure, { hook: HOOK, address });
    return unavailable(`The check of this connection failed; the log has the incident ${incident}.`);
  }

  /** Returns the guard; a new one for each handshake where its scope is not that of the application. */
  #guard({ request }: ConnectAttempt): ConnectGuard | Promise<ConnectGuard> {
    const provider = this.#provider!;
    if (isShared(provider)) return provider.instance as ConnectGuard;
    const context = ContextIdFactory.create();
    this.moduleRef.registerRequestByContextId(request, context);
    return this.moduleRef.resolve<ConnectGuard>(provider.token, context, { strict: false });
  }
}

/** Returns whether a guard only reports that its signal was aborted, as `fetch` does. */
function isAbort(error: unknown, { aborted, reason }: AbortSignal): boolean {
  return aborted && (error === reason || (error instanceof Error && error.name === 'AbortError'));
}

function hasMethod(guard: Partial<ConnectGuard> | null | undefined): boolean {
  return typeof guard?.canConnect === 'function';
}

function unavailable(message: string = HANDSHAKE_REJECTIONS.unavailable.text): HandshakeRejection {
  return { code: 'unavailable', message, headers: { 'Retry-After': RETRY_AFTER_SECONDS } };
}
