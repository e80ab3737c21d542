import {
  applyDecorators,
  Catch,
  UseFilters,
  UsePipes,
  ValidationPipe,
  type ArgumentMetadata,
  type ExceptionFilter,
  type ValidationError,
} from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { MessageError } from '../../protocol/index.js';

/** Hands an exception on to where the message's `id` is known; Nest's own filter would echo the client's data. */
@Catch()
class Rethrow implements ExceptionFilter {
  catch(exception: unknown): never {
    throw exception;
  }
}

/** Checks a body by its DTO, and before that what class-transformer would pass over in silence. */
class BodyPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => new MessageError('invalid_message', firstProblem(errors, 'data')),
    });
  }

  // Not async: that would be one promise more for each message.
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (value !== undefined && value !== null && this.toValidate(metadata)) {
      const path = metadata.data === undefined ? 'data' : `data.${metadata.data}`;
      if (typeof value !== 'object') throw new MessageError('invalid_message', `${path} must be an object`);
      const inherited = inheritedField(value);
      if (inherited !== undefined) throw new MessageError('invalid_message', `${path}${inherited} should not exist`);
    }
    return super.transform(value, metadata) as Promise<unknown>;
  }

  /** Nothing to do: JSON has no gaps. */
  protected override closeArrayGaps(): void {}

  /** Nothing to do: whoever sends such a field was refused above, or is by the DTO, and nothing is dropped in silence. */
  protected override stripProtoKeys(): void {}
}

/** The path of a field that is named like a member of every object: `constructor`, `toString`, `__proto__`. */
function inheritedField(value: object): string | undefined {
  // Nothing but arrays and objects as JSON makes them come here, and none is deep.
  for (const name of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    if (name in Object.prototype) return `.${name}`;
    const field = (value as Record<string, unknown>)[name];
    if (typeof field !== 'object' || field === null) continue;
    const found = inheritedField(field);
    if (found !== undefined) return `.${name}${found}`;
  }
  return undefined;
}

/**
 * Makes a class a gateway of this server: its `@SubscribeMessage` handlers share the one connection and the one parse,
 * a body its DTO refuses is answered `invalid_message`, anything thrown becomes a `sys.error`.
 */
export function MessagingGateway(): ClassDecorator {
  return applyDecorators(WebSocketGateway(), UseFilters(new Rethrow()), UsePipes(new BodyPipe()));
}

/** Words the first broken rule of a DTO, with the path of its field: `data.items.0.name must be a string`. */
function firstProblem(errors: readonly ValidationError[], path: string): string {
  const [error] = errors;
  if (error === undefined) return `${path} is wrong`;
  if (error.children?.length) return firstProblem(error.children, `${path}.${error.property}`);
  const constraint = Object.values(error.constraints ?? {})[0] ?? `${error.property} is wrong`;
  const [, each = '', rule] = /^(?:property )?(each value in )?(.*)$/s.exec(constraint)!;
  return `${each}${path}.${rule}`;
}
