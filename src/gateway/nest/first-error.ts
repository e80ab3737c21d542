import { Validator, type ValidationError, type ValidatorOptions } from 'class-validator';
import { ValidationExecutor } from 'class-validator/cjs/validation/ValidationExecutor.js';

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

/**
 * Checks no further value once one is wrong: `stopAtFirstError` alone checks every field and every item of an array.
 */
class FirstErrorExecutor extends ValidationExecutor {
  #failed = false;

  override performValidations(...parameters: Parameters<ValidationExecutor['performValidations']>): void {
    if (this.#failed) return;
    const errors = parameters[5];
    const index = errors.length;
    super.performValidations(...parameters);
    if (Object.keys(errors[index]?.constraints ?? {}).length > 0) this.#failed = true;
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
  if (executor.awaitingPromises.length === 0) return executor.stripEmptyErrors(errors);
  return Promise.all(executor.awaitingPromises).then(() => executor.stripEmptyErrors(errors));
}
