import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { TLSSocket } from 'node:tls';
import type { CertificateSubject as Subject } from '../../sessions/identity.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** Gives a handler the user of the session, `sub` of its token: `@User() user: string | undefined`. */
export const User = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => socketOf(context).session?.user,
);

/** Gives a handler the claims of the token, or the one it names: `@Claims('role') role: unknown`. */
export const Claims = createParamDecorator((name: string | undefined, context: ExecutionContext): unknown => {
  const claims = socketOf(context).session?.identity.claims;
  return name === undefined ? claims : claims?.[name];
});

/**
 * Gives a handler the subject of the certificate a client showed to this process, or to the proxy that knows the secret:
 * `@CertificateSubject() subject`.
 */
export const CertificateSubject = createParamDecorator((_: unknown, context: ExecutionContext): Subject | undefined => {
  const { session, sink } = socketOf(context);
  if (session?.identity.subject !== undefined) return session.identity.subject;
  if (!(sink instanceof TLSSocket) || !sink.authorized) return undefined;
  return { ...sink.getPeerCertificate().subject };
});

function socketOf(context: ExecutionContext): GatewaySocket {
  return context.switchToWs().getClient<GatewaySocket>();
}
