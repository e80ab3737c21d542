import { applyDecorators, UsePipes, ValidationPipe, type ArgumentMetadata, type Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { plainToInstance } from 'class-transformer';
import type { ValidationError } from 'class-validator';
import { MessageError } from '../../protocol/index.js';
import { BodyShape } from './body-shape.js';
import { firstErrors } from './first-error.js';
import { FreeValues } from './free-values.js';

/**
 * Validates a body with its DTO, up to its first fault. {@link BodyShape} refuses the fields that the DTO does not
 * have, and those that class-transformer would drop silently.
 */
class BodyPipe extends ValidationPipe {
  constructor() {
    super({ transform: true });
  }

  // Not async, because that would allocate one more promise for each message.
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype } = metadata;
    if (metatype === undefined || !this.toValidate(metadata))
      return super.transform(value, metadata) as Promise<unknown>;
    const path = metadata.data === undefined ? 'data' : `data.${metadata.data}`;
    return validated(metatype, value ?? {}, path) as Promise<unknown>;
  }
}

/** @throws {MessageError} `invalid_message`; asynchronously where a rule is asynchronous */
function validated(dto: Type, value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MessageError('invalid_message', `${path} must be an object`);
  const freeValues = new FreeValues();
  const unknown = BodyShape.of(dto).unknownField(value, freeValues);
  if (unknown !== undefined) throw new MessageError('invalid_message', `${path}${unknown} should not exist`);
  const instance = plainToInstance(dto, value) as object;
  freeValues.restore(instance);
  const errors = firstErrors(instance);
  return errors instanceof Promise
    ? errors.then((settled) => accepted(instance, settled, path))
    : accepted(instance, errors, path);
}

function accepted(instance: object, errors: readonly ValidationError[], path: string): object {
  if (errors.length > 0) throw new MessageError('invalid_message', firstProblem(errors, path));
  return instance;
}

/**
 * Makes a class a gateway of this server. Its `@SubscribeMessage` handlers share one connection. A body that its DTO
 * rejects is answered with `invalid_message`, and any exception with a `sys.error`.
 */
export function MessagingGateway(): ClassDecorator {
  return applyDecorators(WebSocketGateway(), UsePipes(new BodyPipe()));
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
