import { Injectable } from '@nestjs/common';
import { ContextIdFactory } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Counters } from '../../telemetry/counters.js';
import type { HandlerTimeouts } from '../dispatch/handler-timeouts.js';
import type { GatewaySocket } from '../gateway-socket.js';
import type { ExploredGateway } from './gateway-explorer.js';
import { GatewayInstances, giveServer, instantiate } from './gateway-instances.js';
import { HookCaller, type HookName, type HookedGateway } from './hook-caller.js';
import { RoomHooks } from './room-hooks.js';

/** Implemented by gateways that run code when a session opens. */
export interface OnSessionArrival {
  /**
   * Runs after the session's welcome and before its first message. The session's handled messages wait for a returned
   * promise, for at most `HANDLER_TIMEOUT_MS`. Routed messages and requests to the server do not wait.
   */
  onSessionArrival(session: Session): void | Promise<void>;
}

/** Implemented by gateways that run code when a session closes. */
export interface OnSessionDeparture {
  /**
   * Runs after the session has closed and its `onSessionArrival`, `handleConnection`, `onRoomJoined` and `onRoomLeft` hooks
   * have settled, for each of which it waits for at most `HANDLER_TIMEOUT_MS`.
   *
   * @param code close code of the server or the client; 1005 for an empty close frame, 1006 for a lost connection
   */
  onSessionDeparture(session: Session, code: number): void | Promise<void>;
}

/** The hooks of one session's arrival that have returned promises. */
class Arrival {
  readonly pending: Promise<void>[] = [];
  /** Class and method of each hook that has not settled. */
  readonly unsettled = new Set<string>();
  /** Whether the time of the hooks is over. */
  isOver = false;

  add({ gateway }: HookedGateway, name: HookName, call: Promise<void> | undefined): void {
    if (call === undefined) return;
    const hook = `${gateway.metatype.name}.${name}`;
    this.unsettled.add(hook);
    this.pending.push(call.then(() => void this.unsettled.delete(hook)));
  }
}

/**
 * Calls the hooks of all gateways, those of Nest's interfaces included, in the order of their modules and providers. Hooks of
 * scoped gateways come after the others at an arrival, because their instances are created first.
 */
@Injectable()
export class SessionHooks implements SessionListener {
  readonly #timeouts: HandlerTimeouts<Session>;
  #server: unknown;
  #hasHooks = false;
  #hasDisconnectHooks = false;
  #hasDepartureHooks = false;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly gateways: GatewayInstances,
    private readonly caller: HookCaller,
    private readonly roomHooks: RoomHooks,
    private readonly counters: Counters,
  ) {
    this.#timeouts = caller.timeouts('arrival hook');
  }

  /**
   * Gives the server to all gateways and calls their `afterInit`; on an instance without a request where a gateway is
   * scoped. Resolves when all are called, and does not wait for what `afterInit` returns.
   */
  async start(server: unknown): Promise<void> {
    this.#server = server;
    const starting = this.gateways.all.map((gateway) => this.#initialize(gateway, server));
    await Promise.all(starting.filter((each) => each !== undefined));
    const { unscoped, scoped } = this.gateways;
    this.#hasHooks = unscoped.length + scoped.length > 0;
    this.#hasDisconnectHooks = this.gateways.mayHave('handleDisconnect');
    this.#hasDepartureHooks = this.gateways.mayHave('onSessionDeparture');
    if (this.#hasHooks) this.registry.addListener('hooks', this);
    this.roomHooks.start();
  }

  /** The number of gateways, each of which may listen to a socket. */
  get gatewayCount(): number {
    return this.gateways.all.length;
  }

  /** Calls the hooks of a new connection, and those of the session where it has just opened. */
  connected(socket: GatewaySocket, request: IncomingMessage): void {
    const { session } = socket;
    if (!this.#hasHooks || session === undefined) return;
    if (session.announced) return this.#returned(session, socket, request);
    const arrival = new Arrival();
    this.#callArrivalHooks(this.gateways.unscoped, arrival, socket, request);
    if (this.gateways.scoped.length > 0) arrival.pending.push(this.#arriveScoped(arrival, socket, request));
    if (arrival.pending.length > 0) session.arriving = this.#within(arrival, session);
  }

  closed(session: Session, code: number): void {
    if (this.#hasDepartureHooks) void this.#callAfterArrival(session, 'onSessionDeparture', session, code);
  }

  /** Calls the hooks of a socket that has closed. */
  disconnected(socket: GatewaySocket, code: number): void {
    const { session } = socket;
    if (!this.#hasDisconnectHooks || session === undefined) return;
    const called = this.#callAfterArrival(session, 'handleDisconnect', socket, code);
    const isLast = session.closed && this.gateways.scoped.length > 0;
    if (isLast) void called.then(() => this.gateways.release(socket, session));
  }

  /** Calls the hooks of a connection with which a client has come back to its session. */
  #returned(session: Session, socket: GatewaySocket, request: IncomingMessage): void {
    this.gateways.adopt(session, socket);
    for (const each of this.gateways.of(session))
      void this.caller.call(each, 'handleConnection', session, socket, request);
  }

  #initialize(gateway: ExploredGateway, server: unknown): Promise<void> | undefined {
    const { instance, scoped } = gateway;
    if (scoped) return 'afterInit' in instance ? this.#initializeScoped(gateway, server) : undefined;
    giveServer(instance, server);
    void this.caller.call({ gateway, instance }, 'afterInit', undefined, server);
    return undefined;
  }

  async #initializeScoped(gateway: ExploredGateway, server: unknown): Promise<void> {
    try {
      const instance = await instantiate(gateway, ContextIdFactory.create(), server);
      void this.caller.call({ gateway, instance }, 'afterInit', undefined, server);
    } catch (error) {
      this.caller.failed(error, undefined, `${gateway.metatype.name}.afterInit`);
    }
  }

  #callArrivalHooks(
    gateways: readonly HookedGateway[],
    arrival: Arrival,
    socket: GatewaySocket,
    request: IncomingMessage,
  ): void {
    const session = socket.session!;
    for (const each of gateways)
      arrival.add(each, 'onSessionArrival', this.caller.call(each, 'onSessionArrival', session, session));
    for (const each of gateways)
      arrival.add(each, 'handleConnection', this.caller.call(each, 'handleConnection', session, socket, request));
  }

  /** Creates the instances of scoped gateways, then calls their hooks. */
  async #arriveScoped(arrival: Arrival, socket: GatewaySocket, request: IncomingMessage): Promise<void> {
    const session = socket.session!;
    const creating = this.gateways.scoped.map(({ metatype }) => `${metatype.name}.constructor`);
    for (const hook of creating) arrival.unsettled.add(hook);
    const created = await this.gateways.create(socket, this.#server, ({ metatype }, error) =>
      this.caller.failed(error, session, `${metatype.name}.constructor`),
    );
    for (const hook of creating) arrival.unsettled.delete(hook);
    if (arrival.isOver) return; // the departure hooks may have run
    this.gateways.keep(session, socket, created);
    const before = arrival.pending.length;
    this.#callArrivalHooks(created, arrival, socket, request);
    await Promise.all(arrival.pending.slice(before));
  }

  /** Waits for the hooks of an arrival, for at most `HANDLER_TIMEOUT_MS`. Never rejects. */
  async #within(arrival: Arrival, session: Session): Promise<void> {
    try {
      await this.#timeouts.within(session, Promise.all(arrival.pending));
    } catch (error) {
      arrival.isOver = true;
      this.caller.failed(error, session, [...arrival.unsettled].join(', '));
    }
    session.arriving = undefined;
  }

  /**
   * Calls a hook of a departure once the arrival is over and the room hooks have settled. Begins in the next tick, because a
   * session may close in the middle of a write, or in an arrival hook that has not returned its promise yet.
   */
  #callAfterArrival(session: Session, name: HookName, ...parameters: unknown[]): Promise<unknown> {
    const departing = Promise.resolve()
      .then(() => session.arriving)
      .then(() => this.roomHooks.settled(session))
      .then(() => {
        const calls = this.gateways.of(session).map((each) => this.caller.call(each, name, session, ...parameters));
        return Promise.all(calls.filter((call) => call !== undefined));
      });
    this.counters.departureHook(departing); // a drain waits for it
    return departing;
  }
}
