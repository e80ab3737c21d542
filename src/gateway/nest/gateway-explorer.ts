import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { GATEWAY_METADATA, MESSAGE_MAPPING_METADATA, MESSAGE_METADATA } from '@nestjs/websockets/constants.js';
import { GatewayPolicy } from './gateway-policy.js';
import { isMessagingGateway } from './messaging-gateway.decorator.js';

export interface GatewayClass {
  readonly name: string;
  readonly prototype: object;
}

/** A `@SubscribeMessage` method, inherited ones included. */
export interface GatewayHandler {
  /** The claimed type. `checkClaims` verifies it at the start, because Nest accepts any value. */
  readonly type: string;
  readonly method: string;
}

/** Nest's record of a provider. */
export type Provider = ReturnType<DiscoveryService['getProviders']>[number];

export interface ExploredGateway {
  readonly metatype: GatewayClass;
  /** The provider; a stand-in without fields where the gateway is scoped. */
  readonly instance: object;
  readonly scoped: boolean;
  /** Nest's entry of the provider, of which instances are created where the gateway is scoped. */
  readonly provider: Provider;
  readonly handlers: readonly GatewayHandler[];
}

/** Finds the gateway classes that Switchboard serves by the metadata that decorators leave. */
@Injectable()
export class GatewayExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly policy: GatewayPolicy,
  ) {}

  /** Lists the gateways in the order of their modules and providers. */
  gateways(): ExploredGateway[] {
    return this.discovery.getProviders().flatMap((provider) => {
      const { metatype } = provider;
      if (typeof metatype !== 'function' || !this.#isServed(metatype)) return [];
      const instance = provider.instance as object;
      const scoped = !provider.isDependencyTreeStatic();
      return [{ metatype, instance, scoped, provider, handlers: this.#handlers(metatype) }];
    });
  }

  /** Lists the classes that another adapter of the application serves. */
  foreignClasses(): GatewayClass[] {
    return this.discovery.getProviders().flatMap(({ metatype }) => {
      if (typeof metatype !== 'function' || this.#isServed(metatype)) return [];
      return Reflect.hasMetadata(GATEWAY_METADATA, metatype) ? [metatype] : [];
    });
  }

  #isServed(metatype: object): boolean {
    if (isMessagingGateway(metatype)) return true;
    return this.policy.plainGateways === 'served' && Reflect.hasMetadata(GATEWAY_METADATA, metatype);
  }

  #handlers({ prototype }: GatewayClass): GatewayHandler[] {
    const methods = prototype as Readonly<Record<string, object>>;
    return this.scanner.getAllMethodNames(prototype).flatMap((method) => {
      if (!Reflect.hasMetadata(MESSAGE_MAPPING_METADATA, methods[method]!)) return [];
      return [{ type: Reflect.getMetadata(MESSAGE_METADATA, methods[method]!) as string, method }];
    });
  }
}
