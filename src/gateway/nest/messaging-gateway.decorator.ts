import { applyDecorators, Catch, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { useBodyPipe } from './body-pipe.js';

/**
 * Rethrows, so that `HandlerReplies` replies with the message's `id`; Nest's own filter would echo the client's data.
 */
@Catch()
class Rethrow implements ExceptionFilter {
  catch(exception: unknown): never {
    throw exception;
  }
}

/**
 * Makes a class a gateway of this server. Its `@SubscribeMessage` handlers share one connection. A body that its DTO
 * rejects is answered with `invalid_message`, and any exception with a `sys.error`.
 */
export function MessagingGateway(): ClassDecorator {
  return applyDecorators(WebSocketGateway(), UseFilters(new Rethrow()), useBodyPipe);
}
