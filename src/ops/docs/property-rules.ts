import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, type ValidationArguments, type ValidatorConstraintInterface } from 'class-validator';
import { ID_OR_SHOWN_SESSION, SESSION_ID, type DtoClass } from '../../protocol/index.js';
import type { JsonSchema } from './json-schema.js';
import { PLAIN } from './plain-types.js';
import { join, translate } from './rule-schemas.js';

type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/** The rules of class-validator for one property of a DTO. */
export interface PropertyRules {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

const CONDITIONAL = 'conditionalValidation';
const NESTED = 'nestedValidation';
const BUILT_IN: ReadonlySet<unknown> = new Set([Object, Array, String, Number, Boolean, Date, undefined]);

/** Rules that an absent property does not break. */
const LENIENT: ReadonlySet<string | undefined> = new Set(['notEquals', 'isNotIn', 'isEmpty']);

/**
 * Reads the rules of a class from the decorators of class-validator, in the order of its fields. The server accepts
 * every value that the schemas allow. A schema is stricter than class-validator where it cannot express the rule
 * exactly, and where only the declared type of the field gives the type of a value. Existing packages confuse classes of
 * the same name and drop rules that JSON Schema cannot express.
 *
 * @param nested returns the schema of a class in a field
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
  const ofValue: JsonSchema[] = [];
  const ofItems: JsonSchema[] = [];
  const sentences: string[] = [];
  for (const rule of rules) {
    if (rule.type === CONDITIONAL || rule.type === 'whitelistValidation') continue;
    const schema = rule.type === NESTED ? nestedSchema(dto, rule, nested) : schemaOfRule(rule, nested);
    if (schema === undefined) sentences.push(sentenceOf(rule));
    else (rule.each ? ofItems : ofValue).push(schema);
  }
  const array = ofItems.length === 0 ? [] : [{ type: 'array', items: join(ofItems) }];
  const ruled = join([...ofValue, ...array]);
  const declared = saysType(ruled) ? {} : declaredSchema(dto, rules);
  return { ...declared, ...ruled, ...(sentences.length > 0 && { 'x-rules': sentences }) };
}

function saysType({ type, const: value, enum: values, $ref, anyOf }: JsonSchema): boolean {
  return [type, value, values, $ref, anyOf].some((keyword) => keyword !== undefined);
}

/** Returns the schema of the declared type of a field, such as `string` for a field that only has `@IsEmail()`. */
function declaredSchema(dto: DtoClass, [rule]: readonly Rule[]): JsonSchema {
  return (rule && PLAIN.get(declaredType(dto, rule.propertyName))) ?? {};
}

function declaredType(dto: DtoClass, property: string): unknown {
  return Reflect.getMetadata('design:type', dto.prototype as object, property);
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
  const found = [classIn(dto, propertyName), declaredType(dto, propertyName)].find((each) => !BUILT_IN.has(each));
  return found === undefined ? undefined : nested(found as DtoClass);
}

/** Returns the class that `@Type` names for a field, found by transforming an empty object. */
function classIn(dto: DtoClass, property: string): unknown {
  try {
    const instance = plainToInstance(dto as new () => Record<string, object>, { [property]: {} })[property];
    return instance?.constructor;
  } catch {
    return undefined;
  }
}

function isRequired(dto: DtoClass, rules: readonly Rule[]): boolean {
  if (rules.some((rule) => rule.type === CONDITIONAL && !appliesWhenAbsent(dto, rule))) return false;
  return rules.some(({ type, name }) => type !== CONDITIONAL && type !== 'whitelistValidation' && !LENIENT.has(name));
}

/** Returns whether `@IsOptional()` and `@ValidateIf()` apply the other rules to an absent field. */
function appliesWhenAbsent(dto: DtoClass, { constraints }: Rule): boolean {
  const [condition] = constraints as [((object: object, value: unknown) => boolean) | undefined];
  try {
    return condition?.(Object.create(dto.prototype as object) as object, undefined) ?? true;
  } catch {
    return true;
  }
}

/** Returns the message of class-validator for a rule that JSON Schema cannot express. */
function sentenceOf({ message, constraintCls, constraints, propertyName, name, target, type }: Rule): string {
  const args: ValidationArguments = {
    constraints: constraints ?? [],
    property: propertyName,
    object: {},
    value: undefined,
    targetName: typeof target === 'string' ? target : target.name,
  };
  return (
    textOrUndefined(() => (typeof message === 'function' ? message(args) : message)) ??
    textOrUndefined(() => new (constraintCls as new () => ValidatorConstraintInterface)().defaultMessage?.(args)) ??
    name ??
    type
  )
    .replaceAll('$property', propertyName)
    .replaceAll(/\$constraint(\d)/g, (_, index: string) => String(args.constraints[Number(index) - 1] as unknown));
}

function textOrUndefined(make: () => string | undefined): string | undefined {
  try {
    return make() || undefined;
  } catch {
    return undefined;
  }
}
