import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { PARAM_ARGS_METADATA } from '@nestjs/websockets/constants.js';
import { TLSSocket } from 'node:tls';
import type { CertificateSubject as Subject } from '../../sessions/identity.js';
import type { Session } from '../../sessions/session.js';
import type { GatewaySocket } from '../gateway-socket.js';

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
  (_: unknown, context: ExecutionContext): string | undefined => socketOf(context).session?.user,
);

/** Injects all claims of the session's token, or the named one: `@Claims('role') role: unknown`. */
export const Claims = createParamDecorator((name: string | undefined, context: ExecutionContext): unknown => {
  const claims = socketOf(context).session?.identity.claims;
  return name === undefined ? claims : claims?.[name];
});

/**
 * Injects the subject of the client certificate, verified by this process or by a proxy that has proven itself with the
 * secret of `PROXY_SECRET_FILE`: `@CertificateSubject() subject`. `undefined` where the client sent none.
 */
export const CertificateSubject = createParamDecorator((_: unknown, context: ExecutionContext): Subject | undefined => {
  const { session, sink } = socketOf(context);
  if (session?.identity.subject !== undefined) return session.identity.subject;
  const { socket } = sink;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  return { ...socket.getPeerCertificate().subject };
});

/** Index of the signal in the arguments of a call, behind socket, body and type. */
const SIGNAL_INDEX = 3;

function signalOf(_: unknown, context: ExecutionContext): AbortSignal {
  return context.getArgByIndex<AbortSignal>(SIGNAL_INDEX);
}

/**
 * Injects a signal that is aborted when the session leaves, or when the handler exceeds `HANDLER_TIMEOUT_MS`:
 * `@Abort() signal: AbortSignal`. Its reason is a `DOMException`, `AbortError` or `TimeoutError`.
 */
export const Abort = createParamDecorator(signalOf);

/** Index of the receiver in the arguments of a call, behind the signal. */
const RECEIVER_INDEX = 4;

function receiverOf(_: unknown, context: ExecutionContext): string | undefined {
  return context.getArgByIndex<string | undefined>(RECEIVER_INDEX);
}

/**
 * Injects the `receiver` of the message as the client wrote it: `@Receiver() receiver: string | undefined`. A handler may
 * claim a type and decide what reaches the receiver, which is the id of a session, `*`, `@USER`, `#ROOM` or any other text.
 */
export const Receiver = createParamDecorator(receiverOf);

/** Returns whether a handler has a parameter with {@link Receiver}. */
export function takesReceiver(gateway: object, method: string): boolean {
  return hasParameter(gateway, method, receiverOf);
}

/** Returns whether a handler has a parameter with {@link Abort}. */
export function takesSignal(gateway: object, method: string): boolean {
  return hasParameter(gateway, method, signalOf);
}

/** Returns whether a handler has a parameter whose decorator was made of this factory. */
export function hasParameter(gateway: object, method: string, factory: unknown): boolean {
  const parameters = Reflect.getMetadata(PARAM_ARGS_METADATA, gateway, method) as
    Readonly<Record<string, object>> | undefined;
  return Object.values(parameters ?? {}).some((each) => 'factory' in each && each.factory === factory);
}

function socketOf(context: ExecutionContext): GatewaySocket {
  return context.switchToWs().getClient<GatewaySocket>();
}
