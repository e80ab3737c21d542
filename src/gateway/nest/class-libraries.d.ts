/** Parts of class-transformer and class-validator that they export without types. */

declare module 'class-transformer/cjs/storage.js' {
  import type { ExposeOptions, TypeHelpOptions, TypeOptions } from 'class-transformer';

  export interface TypeMetadata {
    readonly reflectedType: unknown;
    readonly typeFunction: ((help?: TypeHelpOptions) => unknown) | undefined;
    readonly options: TypeOptions;
  }

  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, property: string): TypeMetadata | undefined;
    findExposeMetadata(target: unknown, property: string): { readonly options: ExposeOptions } | undefined;
    getStrategy(target: unknown): 'none' | 'excludeAll' | 'exposeAll';
    getExposedMetadatas(target: unknown): readonly object[];
    getExcludedMetadatas(target: unknown): readonly object[];
    findTransformMetadatas(target: unknown, property: string, type: number): readonly object[];
  };
}

declare module 'class-validator/cjs/validation/ValidationExecutor.js' {
  import type { getMetadataStorage, ValidationError, Validator, ValidatorOptions } from 'class-validator';

  type Storage = ReturnType<typeof getMetadataStorage>;
  type Rule = ReturnType<Storage['getTargetValidationMetadatas']>[number];
  type Check = ReturnType<Storage['getTargetValidatorConstraints']>[number];

  export class ValidationExecutor {
    readonly awaitingPromises: PromiseLike<unknown>[];
    constructor(validator: Validator, options: ValidatorOptions);
    whitelist(object: object, rules: Record<string, Rule[]>, errors: ValidationError[]): void;
    generateValidationError(object: object, value: unknown, property: string): ValidationError;
    createValidationError(object: object, value: unknown, rule: Rule, check: Check): [name: string, message: string];
    mapContexts(object: object, value: unknown, rules: Rule[], error: ValidationError): void;
    execute(object: object, schema: string, errors: ValidationError[]): void;
    stripEmptyErrors(errors: ValidationError[]): ValidationError[];
    performValidations(
      object: object,
      value: unknown,
      property: string,
      definedRules: unknown[],
      rules: unknown[],
      errors: ValidationError[],
    ): void;
  }
}
