import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { isApplicationType, type ValueType } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { StartError } from '../settings/start-error.js';
import { emissionsOf } from './emits.js';

/** A type that `@Emits` reserves. */
export interface EmittedType {
  readonly type: string;
  /** The class that emits the type, for the documentation. */
  readonly emitter: string;
  /** The class of its `data`, where `@Emits` names one. */
  readonly data: ValueType | undefined;
}

/** Lists the types that only server code may send: those of `@Emits` and of `RESERVED_TYPES`. */
@Injectable()
export class ReservedTypes implements OnModuleInit {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];
  readonly #emitted = new Map<string, EmittedType>();

  constructor(
    private readonly discovery: DiscoveryService,
    { reservedTypes }: Settings,
  ) {
    for (const entry of reservedTypes)
      if (entry.endsWith('*')) this.#prefixes.push(entry.slice(0, -1));
      else this.#exact.add(entry);
  }

  /** Whole types; further ones may begin with a prefix. */
  get exact(): ReadonlySet<string> {
    return this.#exact;
  }

  /** Beginnings of reserved types. */
  get prefixes(): readonly string[] {
    return this.#prefixes;
  }

  /** The types of `@Emits`, each once. */
  get emitted(): readonly EmittedType[] {
    return [...this.#emitted.values()];
  }

  /** @throws {StartError} where `@Emits` names a text that is no type of an application */
  onModuleInit(): void {
    for (const { metatype, instance } of [...this.discovery.getProviders(), ...this.discovery.getControllers()])
      for (const each of new Set([metatype, classOf(instance)])) if (each) this.#reserve(each as EmittingClass);
  }

  /** Returns whether clients may not send this type to other sessions. */
  has(type: string): boolean {
    if (this.#exact.has(type)) return true;
    for (const prefix of this.#prefixes) if (type.startsWith(prefix)) return true;
    return false;
  }

  #reserve(emitter: EmittingClass): void {
    for (const { types, method } of emissionsOf(emitter))
      for (const [type, data] of types) {
        const place = method === undefined ? emitter.name : `${emitter.name}.${method}`;
        if (!isApplicationType(type))
          throw new StartError([
            `${place}: @Emits(${JSON.stringify(type)}) must name a type of 1 to 64 characters of A-Z a-z 0-9 . _ : - ` +
              'that does not begin with sys.; RESERVED_TYPES reserves the beginnings of types',
          ]);
        this.#exact.add(type);
        if (data !== undefined || !this.#emitted.has(type))
          this.#emitted.set(type, { type, emitter: emitter.name, data });
      }
  }
}

type EmittingClass = object & { readonly name: string };

/** Returns the class of a provider that a factory or a value supplies. */
function classOf(instance: unknown): unknown {
  return typeof instance === 'object' && instance !== null ? instance.constructor : undefined;
}
