import { NestFactoryStatic } from '@nestjs/core/nest-factory.js';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { requestPath } from '../gateway/handshake/handshake.js';
import { HttpErrorFilter } from '../gateway/handshake/http-error.filter.js';
import { answers, routesOf, type Route, type RoutedApp } from '../gateway/http/routes.js';
import { serveOpenApi } from '../ops/api/openapi.js';
import { EndpointsModule, type Services } from '../ops/endpoints.module.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';

export interface Endpoints {
  /** Answers a request, or calls `next` where no endpoint has its path. */
  readonly serve: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  readonly routes: readonly Route[];
}

/** Leaves a path without an endpoint to the application, so no list of paths decides which of both answers. */
class EndpointsAdapter extends ExpressAdapter {
  override setNotFoundHandler(): void {}
}

/**
 * Creates the built-in endpoints. They are a Nest application of their own. Global guards, interceptors, pipes, filters,
 * prefix, versions, middleware and documents of one application do not reach the other.
 */
export async function createEndpoints(services: Services): Promise<Endpoints> {
  // A factory of its own, because NestFactory keeps the options of the application that it created last.
  const app = await new NestFactoryStatic().create<NestExpressApplication>(
    EndpointsModule.forServer(services),
    new EndpointsAdapter(),
    { bodyParser: false, abortOnError: false },
  );
  const settings = services.get<Settings>(Settings, { strict: false });
  app.disable('x-powered-by');
  app.useGlobalFilters(new HttpErrorFilter(services.get<Log>(Log, { strict: false })));
  if (settings.endpointPrefix !== '') app.setGlobalPrefix(settings.endpointPrefix);
  if (settings.apiKeys !== undefined) serveOpenApi(app, settings);
  await app.init();
  const express = app.getHttpAdapter().getInstance() as unknown as Endpoints['serve'] & RoutedApp;
  const routes = routesOf(express);
  const serve: Endpoints['serve'] = (request, response, next) =>
    request.method !== 'OPTIONS' || answersOptions(routes, request) ? express(request, response, next) : next();
  return { serve, routes };
}

/** Returns whether an endpoint takes `OPTIONS`. Express answers it for each path, past the CORS of the application. */
function answersOptions(routes: readonly Route[], request: IncomingMessage): boolean {
  const path = requestPath(request);
  return routes.some((route) => answers(route, 'OPTIONS', path));
}
