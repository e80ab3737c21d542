import type { INestApplicationContext } from '@nestjs/common';
import { ContextIdFactory, type ContextId } from '@nestjs/core';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/internal';
import type { GatewaySocket } from '../gateway-socket.js';

/**
 * Returns the context of a socket's request-scoped providers, with the socket as their `REQUEST`. Nest keeps one context
 * for each connection of a gateway, under this key, and its connection hooks run in the same context.
 */
export function contextOf(app: INestApplicationContext, socket: GatewaySocket): ContextId {
  const contextId = ContextIdFactory.getByRequest(socket);
  if (!(REQUEST_CONTEXT_ID in socket)) {
    Object.defineProperty(socket, REQUEST_CONTEXT_ID, { value: contextId, configurable: true });
    app.registerRequestByContextId(Object.assign(socket, contextId.payload), contextId);
  }
  return contextId;
}
