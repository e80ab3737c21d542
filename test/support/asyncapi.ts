import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

/** The parts of the document that tests read; the AsyncAPI schema validates the rest. */
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

/** Validates frames against the messages of an AsyncAPI document. */
export class FrameValidator {
  readonly #validators = new Map<string, ValidateFunction>();
  /** Keys of messages that the server sends. */
  readonly #sent: ReadonlySet<string>;
  /** Keys of messages that the server receives. */
  readonly #received: ReadonlySet<string>;

  private constructor(readonly document: AsyncApi) {
    const ajv = new Ajv({ strict: true, allErrors: true, strictTypes: false, strictRequired: false });
    addFormats.default(ajv);
    ajv.addKeyword('x-rules');
    ajv.addKeyword('components');
    ajv.addSchema({ $id: 'document', components: { schemas: document.components.schemas } });
    for (const [key, { payload }] of Object.entries(document.components.messages))
      this.#validators.set(key, ajv.compile(within(payload)));
    const operations = Object.values(document.operations);
    const keys = (refs: readonly Ref[]): string[] => refs.map(({ $ref }) => $ref.split('/').pop()!);
    this.#received = new Set(
      operations.flatMap(({ action, messages }) => (action === 'receive' ? keys(messages) : [])),
    );
    this.#sent = new Set(
      operations.flatMap(({ action, messages, reply }) => [
        ...(action === 'send' ? keys(messages) : []),
        ...keys(reply?.messages ?? []),
      ]),
    );
  }

  static async of(port: number): Promise<FrameValidator> {
    const response = await fetch(`http://127.0.0.1:${port}/asyncapi.json`);
    return new FrameValidator((await response.json()) as AsyncApi);
  }

  /** Returns the keys of server messages that a frame matches. */
  matchSent(frame: unknown): string[] {
    return [...this.#sent].filter((key) => this.fits(key, frame));
  }

  /** Returns the keys of client messages that a frame matches. */
  matchReceived(frame: unknown): string[] {
    return [...this.#received].filter((key) => this.fits(key, frame));
  }

  fits(key: string, frame: unknown): boolean {
    const validate = this.#validators.get(key);
    if (validate === undefined) throw new Error(`the document has no message ${key}`);
    return validate(frame);
  }
}

/** Redirects the references of a schema to the registered document. */
function within(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components')) as object;
}
