import type { AbstractHttpAdapter } from '@nestjs/core';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { requestPath } from '../gateway/handshake/handshake.js';
import type { Endpoints } from './endpoints.js';

/** The part of a Fastify instance that runs code before its routes. */
interface FastifyInstance {
  addHook(
    name: 'onRequest',
    hook: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse },
      done: () => void,
    ) => void,
  ): void;
}

/**
 * Serves the endpoints in front of the routes of an application. Requests outside the base never reach the endpoints.
 *
 * @param base path that all endpoints begin with
 */
export function mountEndpoints(adapter: AbstractHttpAdapter, base: string, { serve }: Endpoints): void {
  const root = base.toLowerCase();
  const isBelow = (request: IncomingMessage): boolean => {
    const path = requestPath(request).toLowerCase();
    return path === root || path.startsWith(`${root}/`);
  };
  if (adapter.getType() === 'fastify') {
    // Fastify may listen with several servers. Its hook sees the requests of all of them.
    adapter.getInstance<FastifyInstance>().addHook('onRequest', (request, reply, done) => {
      if (isBelow(request.raw)) serve(request.raw, reply.raw, done);
      else done();
    });
    return;
  }
  const server = adapter.getHttpServer() as Server;
  const listeners = server.rawListeners('request') as RequestListener[]; // wrappers of `once` end themselves
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    const next = (): void => {
      for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
    };
    if (isBelow(request)) serve(request, response, next);
    else next();
  });
}
