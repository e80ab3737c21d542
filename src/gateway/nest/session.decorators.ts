import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { TLSSocket } from 'node:tls';
import type { CertificateSubject as Subject } from '../../sessions/identity.js';
import type { Session } from '../../sessions/session.js';
import type { SessionSocket } from '../../sessions/session-socket.js';

/**
 * Returns the session that sent the message, for guards and interceptors.
 *
 * @throws {Error} when the socket has no session
 */
export function sessionOf(context: ExecutionContext): Session {
  const { session } = socketOf(context);
  if (session === undefined) throw new Error('handler called for a socket without a session');
  return session;
}

/** Injects the session that sent the message: `@Sender() sender: Session`. */
export const Sender = createParamDecorator((_: unknown, context: ExecutionContext): Session => sessionOf(context));

/** Injects the user of the session, `sub` of its token: `@User() user: string | undefined`. */
export const User = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => socketOf(context).identity?.user,
);

/** Injects all claims of the session's token, or the named one: `@Claims('role') role: unknown`. */
export const Claims = createParamDecorator((name: string | undefined, context: ExecutionContext): unknown => {
  const claims = socketOf(context).identity?.claims;
  return name === undefined ? claims : claims?.[name];
});

/**
 * Injects the subject of the client certificate, verified by this process or by a proxy that has proven itself with the
 * secret of `PROXY_SECRET_FILE`: `@CertificateSubject() subject`. `undefined` where the client sent none.
 */
export const CertificateSubject = createParamDecorator((_: unknown, context: ExecutionContext): Subject | undefined => {
  const { identity, session } = socketOf(context);
  if (identity?.subject !== undefined) return identity.subject;
  const tcp = session?.outbox.socket;
  if (!(tcp instanceof TLSSocket) || !tcp.authorized) return undefined;
  return { ...tcp.getPeerCertificate().subject };
});

function socketOf(context: ExecutionContext): SessionSocket {
  return context.switchToWs().getClient<SessionSocket>();
}
