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
    findTransformMetadatas(target: unknown, property: string, type: number): readonly object[];
  };
}

declare module 'class-validator/cjs/validation/ValidationExecutor.js' {
  import type { ValidationError, Validator, ValidatorOptions } from 'class-validator';

  export class ValidationExecutor {
    readonly awaitingPromises: readonly Promise<unknown>[];
    constructor(validator: Validator, options: ValidatorOptions);
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
