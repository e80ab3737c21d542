import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Session } from '../../sessions/session.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** Gives a guard or an interceptor the session that sent the message. */
export function sessionOf(context: ExecutionContext): Session {
  const { session } = context.switchToWs().getClient<GatewaySocket>();
  if (session === undefined) throw new Error('a handler was called for a socket that has no session');
  return session;
}

/** Gives a handler the session that sent the message: `@Sender() sender: Session`. */
export const Sender = createParamDecorator((_: unknown, context: ExecutionContext): Session => sessionOf(context));
