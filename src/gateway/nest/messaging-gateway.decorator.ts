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

/** Rethrows, so that `HandlerReplies` replies with the message's `id`; Nest's own filter would echo the client's data. */
@Catch()
class Rethrow implements ExceptionFilter {
  catch(exception: unknown): never {
    throw exception;
  }
}

/** Validates a body with its DTO. First rejects the values and fields that class-transformer would drop silently. */
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

  // Not async, because that would allocate one more promise for each message.
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (value !== undefined && value !== null && this.toValidate(metadata)) {
      const path = metadata.data === undefined ? 'data' : `data.${metadata.data}`;
      if (typeof value !== 'object') throw new MessageError('invalid_message', `${path} must be an object`);
      const inherited = inheritedField(value);
      if (inherited !== undefined) throw new MessageError('invalid_message', `${path}${inherited} should not exist`);
    }
    return super.transform(value, metadata) as Promise<unknown>;
  }

  /** No-op: JSON arrays have no gaps. */
  protected override closeArrayGaps(): void {}

  /** No-op: such fields were already rejected. */
  protected override stripProtoKeys(): void {}
}

/** Returns the path of a field with the name of an inherited member: `constructor`, `toString`, `__proto__`. */
function inheritedField(value: object): string | undefined {
  // The value was parsed from JSON and is at most MAX_HANDLED_DEPTH levels deep.
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
 * Makes a class a gateway of this server. Its `@SubscribeMessage` handlers share one connection. A body that its DTO
 * rejects is answered with `invalid_message`, and any exception with a `sys.error`.
 */
export function MessagingGateway(): ClassDecorator {
  return applyDecorators(WebSocketGateway(), UseFilters(new Rethrow()), UsePipes(new BodyPipe()));
}

/** Returns the first broken rule of a DTO with the path of its field: `data.items.0.name must be a string`. */
function firstProblem(errors: readonly ValidationError[], path: string): string {
  const [error] = errors;
  if (error === undefined) return `${path} is wrong`;
  if (error.children?.length) return firstProblem(error.children, `${path}.${error.property}`);
  const constraint = Object.values(error.constraints ?? {})[0] ?? `${error.property} is wrong`;
  const [, each = '', rule] = /^(?:property )?(each value in )?(.*)$/s.exec(constraint)!;
  return `${each}${path}.${rule}`;
}
