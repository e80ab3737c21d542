import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { TLSSocket } from 'node:tls';
import type { CertificateSubject as Subject } from '../../sessions/identity.js';
import type { SessionSocket } from '../../sessions/session-socket.js';

/** Gives a handler the user of the session, `sub` of its token: `@User() user: string | undefined`. */
export const User = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => socketOf(context).identity?.user,
);

/** Gives a handler the claims of the token, or the one it names: `@Claims('role') role: unknown`. */
export const Claims = createParamDecorator((name: string | undefined, context: ExecutionContext): unknown => {
  const claims = socketOf(context).identity?.claims;
  return name === undefined ? claims : claims?.[name];
});

/**
 * Gives a handler the subject of the certificate a client showed to this process, or to the proxy that knows the secret:
 * `@CertificateSubject() subject`.
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
