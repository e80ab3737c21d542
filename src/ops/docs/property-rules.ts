import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, type ValidationArguments, type ValidatorConstraintInterface } from 'class-validator';
import { ID_OR_SHOWN_SESSION, SESSION_ID } from '../../protocol/index.js';
import type { DtoClass, JsonSchema } from './json-schema.js';
import { join, translate } from './rule-schemas.js';

type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/** What class-validator knows of one property of a DTO. */
export interface PropertyRules {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

const CONDITIONAL = 'conditionalValidation';
const NESTED = 'nestedValidation';
const BUILT_IN: ReadonlySet<unknown> = new Set([Object, Array, String, Number, Boolean, Date, undefined]);

/** Rules that absence does not break. */
const LENIENT: ReadonlySet<string | undefined> = new Set(['notEquals', 'isNotIn', 'isEmpty']);

/**
 * Reads the rules of a class from the decorators of class-validator, in the order of its fields. What the schemas allow
 * the server takes; where class-validator is more lenient than a schema can say, the schema is the stricter. Our own
 * reader, since the packages for it take two classes of one name for one, and drop in silence what JSON Schema cannot say.
 *
 * @param nested gives the schema of a class that stands in a field
 */
export function rulesOf(dto: DtoClass, nested: (dto: DtoClass) => JsonSchema): PropertyRules[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  const names = [...new Set(rules.map(({ propertyName }) => propertyName))];
  return names.map((name) => {
    const own = rules.filter(({ propertyName }) => propertyName === name);
    return { name, required: isRequired(dto, own), schema: schemaOf(dto, own, nested) };
  });
}

function schemaOf(dto: DtoClass, rules: readonly Rule[], nested: (dto: DtoClass) => JsonSchema): JsonSchema {
  const said: JsonSchema[] = [];
  const saidOfEach: JsonSchema[] = [];
  const inWords: string[] = [];
  for (const rule of rules) {
    if (rule.type === CONDITIONAL || rule.type === 'whitelistValidation') continue;
    const schema = rule.type === NESTED ? nestedSchema(dto, rule, nested) : schemaOfRule(rule, nested);
    if (schema === undefined) inWords.push(wordsOf(rule));
    else (rule.each ? saidOfEach : said).push(schema);
  }
  const listed = saidOfEach.length === 0 ? [] : [{ type: 'array', items: join(saidOfEach) }];
  return { ...join([...said, ...listed]), ...(inWords.length > 0 && { 'x-rules': inWords }) };
}

function schemaOfRule(rule: Rule, nested: (dto: DtoClass) => JsonSchema): JsonSchema | undefined {
  const constraints = (rule.constraints ?? []) as readonly unknown[];
  if (rule.name === ID_OR_SHOWN_SESSION)
    return { anyOf: [{ type: 'string', pattern: SESSION_ID.source }, nested(constraints[0] as DtoClass)] };
  return translate(rule.name ?? rule.type, constraints);
}

function nestedSchema(
  dto: DtoClass,
  { propertyName }: Rule,
  nested: (dto: DtoClass) => JsonSchema,
): JsonSchema | undefined {
  const declared = Reflect.getMetadata('design:type', dto.prototype as object, propertyName) as unknown;
  const found = [classIn(dto, propertyName), declared].find((each) => !BUILT_IN.has(each));
  return found === undefined ? undefined : nested(found as DtoClass);
}

/** What class-transformer makes of an object in this field: the class that `@Type` names. */
function classIn(dto: DtoClass, property: string): unknown {
  try {
    const made = plainToInstance(dto as new () => Record<string, object>, { [property]: {} })[property];
    return made?.constructor;
  } catch {
    return undefined;
  }
}

function isRequired(dto: DtoClass, rules: readonly Rule[]): boolean {
  if (rules.some((rule) => rule.type === CONDITIONAL && !holds(dto, rule))) return false;
  return rules.some(({ type, name }) => type !== CONDITIONAL && type !== 'whitelistValidation' && !LENIENT.has(name));
}

/** Whether the rules of a field are applied where it is absent, as `@IsOptional()` and `@ValidateIf()` decide. */
function holds(dto: DtoClass, { constraints }: Rule): boolean {
  const [condition] = constraints as [((object: object, value: unknown) => boolean) | undefined];
  try {
    return condition?.(Object.create(dto.prototype as object) as object, undefined) ?? true;
  } catch {
    return true;
  }
}

/** A rule that JSON Schema has no word for, as class-validator would say that it is broken. */
function wordsOf({ message, constraintCls, constraints, propertyName, name, target, type }: Rule): string {
  const parts: ValidationArguments = {
    constraints: constraints ?? [],
    property: propertyName,
    object: {},
    value: undefined,
    targetName: typeof target === 'string' ? target : target.name,
  };
  return (
    text(() => (typeof message === 'function' ? message(parts) : message)) ??
    text(() => new (constraintCls as new () => ValidatorConstraintInterface)().defaultMessage?.(parts)) ??
    name ??
    type
  )
    .replaceAll('$property', propertyName)
    .replaceAll(/\$constraint(\d)/g, (_, index: string) => String(parts.constraints[Number(index) - 1] as unknown));
}

function text(make: () => string | undefined): string | undefined {
  try {
    return make() || undefined;
  } catch {
    return undefined;
  }
}
