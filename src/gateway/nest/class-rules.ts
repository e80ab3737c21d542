import { getMetadataStorage } from 'class-validator';

type Storage = ReturnType<typeof getMetadataStorage>;
type Constraint = ReturnType<Storage['getTargetValidatorConstraints']>[number];

/** A rule as class-validator keeps it. */
export type Rule = ReturnType<Storage['getTargetValidationMetadatas']>[number];

/** Kinds of rules, as class-validator names them. */
export const KIND = {
  custom: 'customValidation',
  conditional: 'conditionalValidation',
  promise: 'promiseValidation',
  defined: 'isDefined',
  whitelist: 'whitelistValidation',
} as const;

/** A rule with the code that checks it. */
interface CheckedRule {
  readonly rule: Rule;
  readonly constraints: readonly Constraint[];
}

/** The rules of one field, divided as class-validator divides them for each value. */
export interface FieldRules {
  readonly property: string;
  readonly defined: Rule[];
  readonly others: Rule[];
  readonly conditions: readonly Rule[];
  /** The rules in their order, where each of them checks the value as a whole; `undefined` for other fields. */
  readonly checked: readonly CheckedRule[] | undefined;
}

/** The rules of one class. Reads the metadata once, where class-validator searches that of all classes for each object. */
export class ClassRules {
  static readonly #rules = new WeakMap<object, ClassRules>();
  readonly fields: readonly FieldRules[];
  /** The rules by the name of their field, in the form of class-validator. */
  readonly byName: Record<string, Rule[]>;
  readonly names: ReadonlySet<string>;
  /** Whether values of fields may be promises, which are awaited before they are checked. */
  readonly awaitsValues: boolean;

  static of(type: abstract new (...parameters: never[]) => object): ClassRules {
    let rules = ClassRules.#rules.get(type);
    if (rules === undefined) ClassRules.#rules.set(type, (rules = new ClassRules(type)));
    return rules;
  }

  private constructor(type: abstract new (...parameters: never[]) => object) {
    const storage = getMetadataStorage();
    const rules = storage.getTargetValidationMetadatas(type, '', false, false);
    this.byName = storage.groupByPropertyName(rules);
    this.names = new Set(Object.keys(this.byName));
    this.awaitsValues = rules.some((rule) => rule.type === KIND.promise);
    this.fields = Object.entries(this.byName).map(([property, each]) => fieldRules(storage, property, each));
  }
}

function fieldRules(storage: Storage, property: string, rules: readonly Rule[]): FieldRules {
  const defined = rules.filter(({ type }) => type === KIND.defined);
  const others = rules.filter(({ type }) => type !== KIND.defined && type !== KIND.whitelist);
  const conditions = others.filter(({ type }) => type === KIND.conditional);
  const unconditional = others.filter(({ type }) => type !== KIND.conditional);
  const isPlain = [...defined, ...unconditional].every(({ each }) => !each);
  const checked = [...defined, ...unconditional].map((rule) => ({
    rule,
    constraints: storage.getTargetValidatorConstraints(rule.constraintCls),
  }));
  return {
    property,
    defined,
    others,
    conditions,
    checked: isPlain && unconditional.every(({ type }) => type === KIND.custom) ? checked : undefined,
  };
}
