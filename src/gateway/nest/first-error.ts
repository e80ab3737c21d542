import { Validator, type ValidationError, type ValidatorOptions } from 'class-validator';
import { ValidationExecutor } from 'class-validator/cjs/validation/ValidationExecutor.js';
import { isThenable } from '../thenable.js';
import { ClassRules, type FieldRules } from './class-rules.js';

const OPTIONS: ValidatorOptions = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: false,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
};
/** Accepts fields without a rule. */
const RULES_ONLY: ValidatorOptions = { ...OPTIONS, whitelist: false, forbidNonWhitelisted: false };
const validator = new Validator();

/** Methods of class-validator that {@link FirstErrorExecutor} calls or overrides, and how many parameters they have. */
const METHODS = {
  whitelist: 3,
  performValidations: 6,
  generateValidationError: 3,
  createValidationError: 4,
  mapContexts: 4,
} as const;

/** Returns whether an executor has the methods of the supported versions of class-validator. */
export function isKnown(executor: object): boolean {
  const methods = executor as Record<string, unknown>;
  return Object.entries(METHODS).every(([name, parameters]) => {
    const method = methods[name];
    return typeof method === 'function' && method.length === parameters;
  });
}

const IS_KNOWN = isKnown(ValidationExecutor.prototype);

/**
 * Checks no further value once one is wrong: `stopAtFirstError` alone checks every field and every item of an array. Takes
 * the rules from {@link ClassRules}, and makes an error only for a field that has one. In a version of class-validator with
 * other methods, its own `execute` does the work.
 */
class FirstErrorExecutor extends ValidationExecutor {
  #failed = false;

  constructor(
    executing: Validator,
    private readonly options: ValidatorOptions,
  ) {
    super(executing, options);
  }

  override execute(object: object, schema: string, errors: ValidationError[]): void {
    const type: unknown = object.constructor;
    const rules = IS_KNOWN && typeof type === 'function' ? ClassRules.of(type as new () => object) : undefined;
    if (rules === undefined || rules.awaitsValues) return super.execute(object, schema, errors);
    if (this.options.whitelist === true && !Object.keys(object).every((name) => rules.names.has(name)))
      this.whitelist(object, rules.byName, errors);
    for (const field of rules.fields) {
      if (this.#failed) return;
      const value = (object as Record<string, unknown>)[field.property];
      if (field.checked !== undefined) this.#check(object, value, field, errors);
      else this.performValidations(object, value, field.property, field.defined, field.others, errors);
    }
  }

  override performValidations(...parameters: Parameters<ValidationExecutor['performValidations']>): void {
    if (this.#failed) return;
    const errors = parameters[5];
    const index = errors.length;
    super.performValidations(...parameters);
    if (Object.keys(errors[index]?.constraints ?? {}).length > 0) this.#failed = true;
  }

  /** Checks a value as a whole, up to its first broken rule. */
  #check(
    object: object,
    value: unknown,
    { property, conditions, checked }: FieldRules,
    errors: ValidationError[],
  ): void {
    for (const { constraints } of conditions)
      if (!(constraints[0] as (object: object, value: unknown) => unknown)(object, value)) return;
    let error: ValidationError | undefined;
    for (const { rule, constraints: checks } of checked!) {
      if (rule.validateIf !== undefined && !rule.validateIf(object, value)) continue;
      for (const check of checks) {
        const { constraints } = rule;
        const targetName = object.constructor.name;
        const valid = check.instance.validate(value, { targetName, property, object, value, constraints });
        if (valid === true) continue;
        if (error === undefined) errors.push((error = this.generateValidationError(object, value, property)));
        const { constraints: broken } = error;
        const refuse = (): void => {
          const [name, message] = this.createValidationError(object, value, rule, check);
          broken![name] = message;
          this.mapContexts(object, value, [rule], error!);
        };
        if (isThenable(valid)) this.awaitingPromises.push(valid.then((accepted) => void (accepted || refuse())));
        else if (!valid) {
          refuse();
          this.#failed = true;
          return;
        }
      }
    }
  }
}

/** Validates an instance of a DTO up to its first error; a promise only where a rule is asynchronous. */
export function firstErrors(instance: object): ValidationError[] | Promise<ValidationError[]> {
  return errorsOf(instance, OPTIONS);
}

/** Validates an object that code of the team has made, up to its first error; its other fields are allowed. */
export function brokenRules(instance: object): ValidationError[] | Promise<ValidationError[]> {
  return errorsOf(instance, RULES_ONLY);
}

function errorsOf(instance: object, options: ValidatorOptions): ValidationError[] | Promise<ValidationError[]> {
  const executor = new FirstErrorExecutor(validator, options);
  const errors: ValidationError[] = [];
  executor.execute(instance, '', errors);
  if (executor.awaitingPromises.length > 0)
    return Promise.all(executor.awaitingPromises).then(() => executor.stripEmptyErrors(errors));
  return errors.length === 0 ? errors : executor.stripEmptyErrors(errors);
}
