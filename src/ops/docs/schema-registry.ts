import { descriptionOf, type Description } from '../../protocol/index.js';
import type { DtoClass, JsonSchema } from './json-schema.js';
import { rulesOf, type PropertyRules } from './property-rules.js';

const PLACE = '#/components/schemas/';

/** The schemas of all classes that a document mentions, each once and under a name of its own. */
export class SchemaRegistry {
  readonly #names = new Map<DtoClass, string>();
  readonly #schemas = new Map<string, JsonSchema>();

  /** Everything so far, by name. */
  get schemas(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries(this.#schemas);
  }

  /** Refers to the schema of a class; two classes of one name are told apart. */
  of(dto: DtoClass): JsonSchema {
    let name = this.#names.get(dto);
    if (name === undefined) {
      name = this.#unused(dto.name);
      this.#names.set(dto, name);
      this.#schemas.set(name, {}); // its place, should it mention itself
      this.#schemas.set(name, this.#write(dto, name));
    }
    return { $ref: PLACE + name };
  }

  /** The fields of a class, for an envelope that says some of them otherwise. */
  fields(dto: DtoClass): PropertyRules[] {
    const rules = rulesOf(dto, (nested) => this.of(nested));
    return rules.map((rule) => ({ ...rule, schema: described(rule.schema, descriptionOf(dto, rule.name)) }));
  }

  #write(dto: DtoClass, title: string): JsonSchema {
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

  #unused(name: string): string {
    const plain = name.replaceAll(/[^A-Za-z0-9._-]/g, '_') || 'Unnamed';
    let unused = plain;
    for (let count = 2; this.#schemas.has(unused); count++) unused = `${plain}-${count}`;
    return unused;
  }
}

/** A reference takes no neighbours in draft-07, so that what is said of it stands around it. */
function described(schema: JsonSchema, description: Description | undefined): JsonSchema {
  if (description === undefined) return schema;
  const said = {
    description: description.text,
    ...(description.example !== undefined && { examples: [description.example] }),
  };
  return schema.$ref === undefined ? { ...said, ...schema } : { ...said, allOf: [schema] };
}
