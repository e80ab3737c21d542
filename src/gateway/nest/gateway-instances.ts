import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js';
import { GATEWAY_SERVER_METADATA } from '@nestjs/websockets/constants.js';
import type { Session } from '../../sessions/session.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { GatewayExplorer, type ExploredGateway } from './gateway-explorer.js';
import { HOOK_NAMES, type HookedGateway, type HookName, type Hooks } from './hook-caller.js';

type Client = GatewaySocket & { [REQUEST_CONTEXT_ID]?: ContextId };

/**
 * Keeps the instances whose hooks are called. A scoped gateway has one instance for each session, which its handlers
 * share, because Nest keeps the context of a client at the client.
 */
@Injectable()
export class GatewayInstances {
  readonly #scopedOfSessions = new WeakMap<Session, ReadonlyMap<ExploredGateway, object>>();
  /** The context of the first client of each session that has scoped gateways. */
  readonly #contexts = new WeakMap<Session, ContextId>();
  #explored: readonly ExploredGateway[] | undefined;
  #scoped: readonly ExploredGateway[] | undefined;
  #unscoped: readonly HookedGateway[] | undefined;
  #transientCreated: Promise<void> | undefined;

  constructor(private readonly explorer: GatewayExplorer) {}

  /**
   * Creates the one instance of each transient gateway. Nest creates no instance, because nothing injects a gateway. Must
   * run before handlers are bound; a second call creates no more.
   */
  createTransient(): Promise<void> {
    return (this.#transientCreated ??= this.#createTransient());
  }

  async #createTransient(): Promise<void> {
    for (const { provider, scoped } of this.explorer.gateways())
      if (provider.isTransient && !scoped)
        provider.instance = await moduleRefOf(provider).resolve<object>(provider.token, undefined, { strict: true });
  }

  /** All gateways of the application, in the order of their modules and providers. */
  get all(): readonly ExploredGateway[] {
    return (this.#explored ??= this.explorer.gateways());
  }

  get scoped(): readonly ExploredGateway[] {
    return (this.#scoped ??= this.all.filter(({ scoped }) => scoped));
  }

  /** The gateways that have hooks, without those that are scoped. */
  get unscoped(): readonly HookedGateway[] {
    return (this.#unscoped ??= this.all
      .filter(({ scoped, instance }) => !scoped && HOOK_NAMES.some((name) => (instance as Hooks)[name] !== undefined))
      .map((gateway) => ({ gateway, instance: gateway.instance })));
  }

  /** Returns whether a gateway may have this hook; a scoped one may have any. */
  mayHave(name: HookName): boolean {
    return this.scoped.length > 0 || this.unscoped.some(({ instance }) => name in instance);
  }

  /** Lists the gateways whose hooks a session gets, in the order of their modules and providers. */
  of(session: Session): readonly HookedGateway[] {
    const scoped = this.#scopedOfSessions.get(session);
    if (scoped === undefined) return this.unscoped;
    return this.all.flatMap((gateway) => {
      const instance = gateway.scoped ? scoped.get(gateway) : gateway.instance;
      return instance === undefined ? [] : [{ gateway, instance }];
    });
  }

  /**
   * Creates the instances of scoped gateways for a client.
   *
   * @param onError receives what a constructor has thrown; the gateway is left out then
   */
  async create(
    client: Client,
    server: unknown,
    onError: (gateway: ExploredGateway, error: unknown) => void,
  ): Promise<readonly HookedGateway[]> {
    const created = await Promise.all(
      this.scoped.map(async (gateway) => {
        try {
          return { gateway, instance: await instantiate(gateway, contextOf(client, gateway), server) };
        } catch (error) {
          onError(gateway, error);
          return undefined;
        }
      }),
    );
    return created.filter((each) => each !== undefined);
  }

  /** Keeps the instances that were created for the client of a session, until {@link release}. */
  keep(session: Session, client: Client, created: readonly HookedGateway[]): void {
    const contextId = client[REQUEST_CONTEXT_ID];
    if (contextId !== undefined) this.#contexts.set(session, contextId);
    this.#scopedOfSessions.set(session, new Map(created.map(({ gateway, instance }) => [gateway, instance])));
  }

  /** Gives a client with which a session goes on the instances of the session. */
  adopt(session: Session, client: Client): void {
    const value = this.#contexts.get(session);
    if (value !== undefined) Object.defineProperty(client, REQUEST_CONTEXT_ID, { value, configurable: true });
  }

  release(client: Client, session: Session): void {
    this.#scopedOfSessions.delete(session);
    delete client[REQUEST_CONTEXT_ID];
  }
}

/** Creates the instance of a scoped gateway in a context, or returns the one that the context has. */
export async function instantiate(
  { provider }: ExploredGateway,
  contextId: ContextId,
  server: unknown,
): Promise<object> {
  const instance = await moduleRefOf(provider).resolve<object>(provider.token, contextId, { strict: true });
  giveServer(instance, server);
  return instance;
}

/** Sets the fields with `@WebSocketServer()`. */
export function giveServer(instance: object, server: unknown): void {
  for (const key in instance)
    if (Reflect.hasMetadata(GATEWAY_SERVER_METADATA, instance, key)) Reflect.set(instance, key, server);
}

/** Returns the context that Nest uses for the handlers of a client; begins the context as Nest would. */
export function contextOf(client: Client, { provider }: ExploredGateway): ContextId {
  const known = client[REQUEST_CONTEXT_ID];
  if (known !== undefined) return known;
  const contextId = ContextIdFactory.getByRequest(client);
  Object.defineProperty(client, REQUEST_CONTEXT_ID, { value: contextId, configurable: true });
  const { payload } = contextId as ContextId & { payload?: object };
  const request = provider.isDependencyTreeDurable() ? payload : Object.assign(client, payload);
  moduleRefOf(provider).registerRequestByContextId(request, contextId);
  return contextId;
}

function moduleRefOf({ host }: InstanceWrapper): ModuleRef {
  return host!.getProviderByKey<ModuleRef>(ModuleRef).instance;
}
