import { plainToInstance, TransformationType } from 'class-transformer';
import { defaultMetadataStorage, type TypeMetadata } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';
import { shownName } from '../dispatch/shown-name.js';
import { FreeValueScan, type FreeValues } from './free-values.js';

type DtoClass = abstract new (...parameters: never[]) => object;
type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

const NESTED = 'nestedValidation';
const CONDITIONAL = 'conditionalValidation';
const BUILT_IN: ReadonlySet<unknown> = new Set([
  String,
  Number,
  Boolean,
  BigInt,
  Date,
  Array,
  Object,
  Map,
  Set,
  Buffer,
]);

interface Field {
  readonly property: string;
  /** Whether class-validator checks the fields of the value. */
  readonly nested: boolean;
  readonly type: TypeMetadata | undefined;
  /** `@ArrayMaxSize`, where nothing else decides about the length. */
  readonly maxItems: number | undefined;
}

/**
 * The fields of a DTO class, by the names that a client writes. Finds a field that the class does not have before
 * class-transformer and class-validator work on the body. Their work grows with the fields that they then reject.
 */
export class BodyShape {
  static readonly #shapes = new WeakMap<DtoClass, BodyShape>();
  readonly #fields = new Map<string, Field>();
  /** Whether the class has code of its own that is given the body as the client wrote it. */
  readonly #readsBody: boolean;
  /** Whether a copy of the fields makes the same instance: class-transformer and accessors of the class change none. */
  readonly #isCopied: boolean;

  static of(dto: DtoClass): BodyShape {
    let shape = BodyShape.#shapes.get(dto);
    if (shape === undefined) BodyShape.#shapes.set(dto, (shape = new BodyShape(dto)));
    return shape;
  }

  private constructor(private readonly dto: DtoClass) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
    const properties = [...new Set(rules.map(({ propertyName }) => propertyName))];
    for (const property of properties) {
      const field = fieldOf(
        dto,
        property,
        rules.filter(({ propertyName }) => propertyName === property),
      );
      this.#fields.set(property, field);
      const name = defaultMetadataStorage.findExposeMetadata(dto, property)?.options?.name;
      if (name !== undefined) this.#fields.set(name, field);
    }
    this.#readsBody = properties.some(
      (property) => isTransformed(dto, property) || (this.#fields.get(property)?.type?.typeFunction?.length ?? 0) > 0,
    );
    this.#isCopied =
      isDeclaredWhole(dto) &&
      properties.every(
        (property) =>
          !(property in dto.prototype) &&
          !isTransformed(dto, property) &&
          this.#fields.get(property)?.type === undefined,
      );
  }

  /** Whether the class has no field with a rule. */
  get isEmpty(): boolean {
    return this.#fields.size === 0;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  /**
   * Makes the instance that class-transformer would make of a body that {@link unknownField} accepts: by a copy, where the
   * class has no rule of class-transformer, and the body no object.
   */
  instanceOf(body: object): object {
    const dto = this.dto as new () => object;
    if (!this.#isCopied || holdsObject(body)) return plainToInstance(dto, body);
    const instance = new dto() as Record<string, unknown>;
    for (const name of Object.keys(body))
      if (typeof instance[name] !== 'function') instance[name] = (body as Record<string, unknown>)[name];
    return instance;
  }

  /**
   * Returns the path of the first field that the class does not have, `undefined` where it has all of them.
   *
   * @param freeValues takes wide values without a class; `undefined` where they must stay
   * @param discriminator name of a field that selects the class
   */
  unknownField(body: object, freeValues: FreeValues | undefined, discriminator?: string): string | undefined {
    const taker = this.#readsBody ? undefined : freeValues;
    for (const name of Object.keys(body)) {
      const field = this.#fields.get(name);
      if (field === undefined && name !== discriminator) return `.${shownName(name)}`;
      const value = (body as Record<string, unknown>)[name];
      if (field === undefined || typeof value !== 'object' || value === null) continue;
      const path = valueFault(field, body, name, value, taker);
      if (path !== undefined) return `.${name}${path}`;
    }
    return undefined;
  }
}

function valueFault(
  field: Field,
  body: object,
  name: string,
  value: object,
  freeValues: FreeValues | undefined,
): string | undefined {
  // One item too many suffices for class-validator to reject the array.
  if (field.maxItems !== undefined && Array.isArray(value) && value.length > field.maxItems)
    value.length = field.maxItems + 1;
  if (field.nested && field.type?.reflectedType !== Map) return nestedFault(field, body, value, freeValues);
  const scan = new FreeValueScan();
  const path = scan.inheritedField(value);
  if (path === undefined && field.type === undefined) freeValues?.take(body, name, value, scan.mostFields);
  return path;
}

/** Returns the path of the first field that the class of a nested object, or of an item of an array, does not have. */
function nestedFault(
  field: Field,
  body: object,
  value: object,
  freeValues: FreeValues | undefined,
): string | undefined {
  if (!Array.isArray(value)) {
    const dto = classOf(field, body, value);
    if (field.type !== undefined && BUILT_IN.has(dto)) return new FreeValueScan().inheritedField(value);
    return BodyShape.of(dto).unknownField(value, freeValues, field.type?.options?.discriminator?.property);
  }
  for (let index = 0; index < value.length; index++) {
    const item: unknown = value[index];
    if (typeof item !== 'object' || item === null) continue;
    const path = nestedFault(field, body, item, freeValues);
    if (path !== undefined) return `.${index}${path}`;
  }
  return undefined;
}

/**
 * Returns the class that class-transformer makes of a nested object; `Object`, which has no fields, without `@Type`.
 */
function classOf({ type, property }: Field, body: object, value: object): DtoClass {
  if (type === undefined) return Object;
  const { discriminator } = type.options ?? {};
  const subType = discriminator?.subTypes?.find(
    ({ name }) => name === (value as Record<string, unknown>)[discriminator.property],
  );
  return (subType?.value ??
    type.typeFunction?.({ newObject: body, object: body as Record<string, unknown>, property }) ??
    type.reflectedType) as DtoClass;
}

function fieldOf(dto: DtoClass, property: string, rules: readonly Rule[]): Field {
  return {
    property,
    nested: rules.some(({ type }) => type === NESTED),
    type: defaultMetadataStorage.findTypeMetadata(dto, property),
    maxItems: isTransformed(dto, property) ? undefined : maxItemsOf(rules),
  };
}

function isTransformed(dto: DtoClass, property: string): boolean {
  return defaultMetadataStorage.findTransformMetadatas(dto, property, TransformationType.PLAIN_TO_CLASS).length > 0;
}

function holdsObject(body: object): boolean {
  for (const name of Object.keys(body)) {
    const value = (body as Record<string, unknown>)[name];
    if (typeof value === 'object' && value !== null) return true;
  }
  return false;
}

/** Returns whether class-transformer neither leaves out nor renames a field of the class. */
function isDeclaredWhole(dto: DtoClass): boolean {
  const storage = defaultMetadataStorage;
  return (
    storage.getStrategy(dto) === 'none' &&
    storage.getExposedMetadatas(dto).length === 0 &&
    storage.getExcludedMetadatas(dto).length === 0
  );
}

function maxItemsOf(rules: readonly Rule[]): number | undefined {
  if (rules.some(({ type, name }) => type === CONDITIONAL && name !== 'isOptional')) return undefined;
  const rule = rules.find(({ name, each, validateIf }) => name === 'arrayMaxSize' && !each && validateIf === undefined);
  const max = (rule?.constraints as unknown[] | undefined)?.[0];
  return typeof max === 'number' ? max : undefined;
}
