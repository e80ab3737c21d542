import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { HttpErrorFilter } from './gateway/handshake/http-error.filter.js';
import { requestPath } from './gateway/handshake/handshake.js';
import { refuseTakenRoutes } from './endpoint-routes.js';
import type { HttpAdapter } from './gateway/http.adapter.js';
import { answers, routesOf, type Route, type RoutedApp } from './gateway/http/routes.js';
import { intercept } from './gateway/http/intercept.js';
import { serveOpenApi } from './ops/api/openapi.js';
import { EndpointsModule } from './ops/endpoints.module.js';
import { Settings } from './settings/settings.js';
import { Log } from './telemetry/log.js';

type Serve = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Leaves a path without an endpoint to the server's application, so no list of paths decides which of both answers. */
class EndpointsAdapter extends ExpressAdapter {
  override setNotFoundHandler(): void {}
}

/**
 * Serves the built-in endpoints in front of everything that the application adds to its HTTP server. The endpoints are a
 * Nest application of their own. Global guards, interceptors, pipes, filters, prefix, versions, middleware and documents
 * of one application do not reach the other.
 */
export async function serveEndpoints(server: INestApplication): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(
    EndpointsModule.forServer(server),
    new EndpointsAdapter(),
    { bodyParser: false, abortOnError: false },
  );
  const settings = server.get(Settings);
  app.disable('x-powered-by');
  app.useGlobalFilters(new HttpErrorFilter(server.get(Log)));
  if (settings.httpBase !== '/') app.setGlobalPrefix(settings.httpBase);
  if (settings.apiKeys !== undefined) serveOpenApi(app, settings);
  await app.init();
  const serve = app.getHttpAdapter().getInstance() as unknown as Serve & RoutedApp;
  const endpoints = routesOf(serve);
  (server.getHttpAdapter() as unknown as HttpAdapter).onRoutes = (routes) =>
    refuseTakenRoutes(routes, endpoints, settings, server.get(Log));
  intercept(server.getHttpServer() as Server, 'request', (next, request: IncomingMessage, response: ServerResponse) =>
    request.method !== 'OPTIONS' || answersOptions(endpoints, request) ? serve(request, response, next) : next(),
  );
}

/** Returns whether an endpoint takes `OPTIONS`. Express answers it for each path, past the CORS of the application. */
function answersOptions(endpoints: readonly Route[], request: IncomingMessage): boolean {
  const path = requestPath(request);
  return endpoints.some((endpoint) => answers(endpoint, 'OPTIONS', path));
}
