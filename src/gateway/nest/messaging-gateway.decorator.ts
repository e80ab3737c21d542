import { applyDecorators } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { useBodyPipe } from './body-pipe.js';

/**
 * Makes a class a gateway of this server. Its `@SubscribeMessage` handlers share one connection. A body that its DTO
 * rejects is answered with `invalid_message`, and any exception with a `sys.error`.
 */
export function MessagingGateway(): ClassDecorator {
  return applyDecorators(WebSocketGateway(), useBodyPipe);
}
