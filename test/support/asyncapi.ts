import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

/** What the tests look at in the document; the rest is judged by the schema of AsyncAPI. */
export interface AsyncApi {
  readonly asyncapi: string;
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: Readonly<Record<string, Ref>> }>
  >;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly payload: object; readonly examples?: readonly Example[] }>>;
    readonly schemas: Readonly<Record<string, object>>;
    readonly securitySchemes?: Readonly<Record<string, { readonly type: string }>>;
  };
  readonly servers: Readonly<Record<string, { readonly protocol: string; readonly security?: readonly Ref[] }>>;
  readonly 'x-errors': Readonly<Record<string, string>>;
  readonly 'x-close-codes': Readonly<Record<string, { readonly reason: string; readonly advice: string }>>;
  readonly 'x-refusals': Readonly<Record<string, { readonly status: number }>>;
  readonly 'x-limits': Readonly<Record<string, number | string>>;
}

interface Ref {
  readonly $ref: string;
}

interface Example {
  readonly payload: unknown;
}

interface Operation {
  readonly action: 'send' | 'receive';
  readonly messages: readonly Ref[];
  readonly reply?: { readonly messages: readonly Ref[] };
}

/** A document as a judge of frames. */
export class Judge {
  readonly #judges = new Map<string, ValidateFunction>();
  /** By key, whether the server may send it or take it. */
  readonly #told: ReadonlySet<string>;
  readonly #taken: ReadonlySet<string>;

  private constructor(readonly document: AsyncApi) {
    const ajv = new Ajv({ strict: true, allErrors: true, strictTypes: false, strictRequired: false });
    addFormats.default(ajv);
    ajv.addKeyword('x-rules');
    ajv.addKeyword('components');
    ajv.addSchema({ $id: 'document', components: { schemas: document.components.schemas } });
    for (const [key, { payload }] of Object.entries(document.components.messages))
      this.#judges.set(key, ajv.compile(within(payload)));
    const operations = Object.values(document.operations);
    const keys = (refs: readonly Ref[]): string[] => refs.map(({ $ref }) => $ref.split('/').pop()!);
    this.#taken = new Set(operations.flatMap(({ action, messages }) => (action === 'receive' ? keys(messages) : [])));
    this.#told = new Set(
      operations.flatMap(({ action, messages, reply }) => [
        ...(action === 'send' ? keys(messages) : []),
        ...keys(reply?.messages ?? []),
      ]),
    );
  }

  static async of(port: number): Promise<Judge> {
    const response = await fetch(`http://127.0.0.1:${port}/asyncapi.json`);
    return new Judge((await response.json()) as AsyncApi);
  }

  /** The messages of the document that a frame from the server is. */
  told(frame: unknown): string[] {
    return [...this.#told].filter((key) => this.fits(key, frame));
  }

  /** The messages of the document that a client's frame is. */
  taken(frame: unknown): string[] {
    return [...this.#taken].filter((key) => this.fits(key, frame));
  }

  fits(key: string, frame: unknown): boolean {
    const judge = this.#judges.get(key);
    if (judge === undefined) throw new Error(`the document has no message ${key}`);
    return judge(frame);
  }
}

/** Makes the references of a part, which are to the whole, find it. */
function within(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components')) as object;
}
