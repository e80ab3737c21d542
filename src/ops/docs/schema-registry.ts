import { descriptionOf, type Description, type DtoClass, type ValueType } from '../../protocol/index.js';
import type { JsonSchema } from './json-schema.js';
import { PLAIN } from './plain-types.js';
import { rulesOf, type PropertyRules } from './property-rules.js';

const PREFIX = '#/components/schemas/';

/** Collects the schemas of all classes in a document, each under a unique name. */
export class SchemaRegistry {
  readonly #names = new Map<DtoClass, string>();
  readonly #schemas = new Map<string, JsonSchema>();

  /** The schemas collected so far. */
  get byName(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries(this.#schemas);
  }

  /** Returns a reference to the schema of a class. Classes of the same name get different schema names. */
  of(dto: DtoClass): JsonSchema {
    let name = this.#names.get(dto);
    if (name === undefined) {
      name = this.#unusedName(dto.name);
      this.#names.set(dto, name);
      this.#schemas.set(name, {}); // ends the recursion where the class refers to itself
      this.#schemas.set(name, this.#schemaOf(dto, name));
    }
    return { $ref: PREFIX + name };
  }

  /** Returns the schema of a value that the server sends; an empty one where nothing is known of the value. */
  ofValue(type: ValueType | undefined): JsonSchema {
    if (type === undefined) return {};
    if (typeof type !== 'function') return { type: 'array', items: this.ofValue(type[0]) };
    return PLAIN.get(type) ?? (this.fields(type).length > 0 ? this.of(type) : {});
  }

  /** Returns the fields of a class with their descriptions. */
  fields(dto: DtoClass): PropertyRules[] {
    const rules = rulesOf(dto, (nested) => this.of(nested));
    return rules.map((rule) => ({ ...rule, schema: described(rule.schema, descriptionOf(dto, rule.name)) }));
  }

  #schemaOf(dto: DtoClass, title: string): JsonSchema {
    const fields = this.fields(dto);
    const schema: JsonSchema = {
      title,
      type: 'object',
      properties: Object.fromEntries(fields.map(({ name, schema: each }) => [name, each])),
      required: fields.filter(({ required }) => required).map(({ name }) => name),
      additionalProperties: false,
    };
    return described(schema, descriptionOf(dto));
  }

  #unusedName(name: string): string {
    const plain = name.replaceAll(/[^A-Za-z0-9._-]/g, '_') || 'Unnamed';
    let unused = plain;
    for (let count = 2; this.#schemas.has(unused); count++) unused = `${plain}-${count}`;
    return unused;
  }
}

/** Adds a description. In draft-07 a reference ignores its siblings, so that the description wraps the reference. */
function described(schema: JsonSchema, description: Description | undefined): JsonSchema {
  if (description === undefined) return schema;
  const keywords = {
    ...(description.text !== undefined && { description: description.text }),
    ...(description.example !== undefined && { examples: [description.example] }),
  };
  return schema.$ref === undefined ? { ...keywords, ...schema } : { ...keywords, allOf: [schema] };
}
