import type { INestApplication } from '@nestjs/common';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { intercept } from '../gateway/http/intercept.js';
import { createEndpoints } from '../module/endpoints.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { refuseTakenRoutes } from './endpoint-routes.js';
import type { HttpAdapter } from './http.adapter.js';

/** Serves the built-in endpoints in front of everything that the application adds to its HTTP server. */
export async function serveEndpoints(server: INestApplication): Promise<void> {
  const { serve, routes: endpoints } = await createEndpoints(server);
  (server.getHttpAdapter() as unknown as HttpAdapter).onRoutes = (routes) =>
    refuseTakenRoutes(routes, endpoints, server.get(Settings), server.get(Log));
  intercept(server.getHttpServer() as Server, 'request', (next, request: IncomingMessage, response: ServerResponse) =>
    serve(request, response, next),
  );
}
