import { applyDecorators, SetMetadata } from '@nestjs/common';
import { useBodyPipe } from './body-pipe.js';

const MESSAGING_GATEWAY = 'switchboard:messaging-gateway';

/**
 * Makes a class a gateway of Switchboard. Its `@SubscribeMessage` handlers share one connection. A body that its DTO
 * rejects is answered with `invalid_message`, and any exception with a `sys.error`. Nest itself does not connect the
 * class, so that another WebSocket adapter of the application does not serve it, too.
 */
export function MessagingGateway(): ClassDecorator {
  return applyDecorators(SetMetadata(MESSAGING_GATEWAY, true), useBodyPipe);
}

/** Returns whether a class, or its base class, has the decorator. */
export function isMessagingGateway(metatype: object): boolean {
  return Reflect.hasMetadata(MESSAGING_GATEWAY, metatype);
}
