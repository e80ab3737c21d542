import {
  applyDecorators,
  Catch,
  UseFilters,
  UsePipes,
  ValidationPipe,
  type ExceptionFilter,
  type ValidationError,
} from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { Fault } from '../protocol/index.js';

/** Hands an exception on to where the message's `id` is known; Nest's own filter would echo the client's data. */
@Catch()
class Rethrow implements ExceptionFilter {
  catch(exception: unknown): never {
    throw exception;
  }
}

const validation = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  stopAtFirstError: true,
  exceptionFactory: (errors) => new Fault('invalid_message', firstProblem(errors, 'data')),
});

/**
 * Makes a class a gateway of this server: its `@SubscribeMessage` handlers share the one connection and the one parse,
 * a body its DTO refuses is answered `invalid_message`, anything thrown becomes a `sys.error`.
 */
export function MessagingGateway(): ClassDecorator {
  return applyDecorators(WebSocketGateway(), UseFilters(new Rethrow()), UsePipes(validation));
}

/** Words the first broken rule of a DTO, with the path of its field: `data.items.0.name must be a string`. */
function firstProblem(errors: readonly ValidationError[], path: string): string {
  const [error] = errors;
  if (error === undefined) return `${path} is wrong`;
  if (error.children?.length) return firstProblem(error.children, `${path}.${error.property}`);
  const constraint = Object.values(error.constraints ?? {})[0] ?? `${error.property} is wrong`;
  return `${path}.${constraint.startsWith('property ') ? constraint.slice('property '.length) : constraint}`;
}
