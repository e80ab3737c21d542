import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { ApiController } from './api/api.controller.js';
import { IdempotentPublisher } from './api/idempotent-publisher.js';
import { RequestBodies } from './api/request-body.js';
import { RoomQueries } from './api/room-queries.js';
import { RoomsController } from './api/rooms.controller.js';
import { SessionQueries } from './api/session-queries.js';
import { StatsReader } from './api/stats-reader.js';
import { UserQueries } from './api/user-queries.js';
import { UsersController } from './api/users.controller.js';
import { DocsController } from './docs/docs.controller.js';
import { DocsFiles } from './docs/docs-files.js';
import { HealthController } from './health/health.controller.js';
import { NodeHealth } from './health/node-health.js';
import { Metrics } from './metrics/metrics.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { ClientController } from './static/client.controller.js';
import { ConsoleController } from './static/console.controller.js';

/** Finds the services of an application: the application itself, or the `ModuleRef` of one of its modules. */
export interface Services {
  get<Service>(type: Type<Service>, options: { readonly strict: false }): Service;
}

/** Controllers of one purpose, and the services of the server that they call. */
interface Endpoints {
  readonly controllers: Type[];
  readonly services: readonly Type[];
}

const ALWAYS: Endpoints = {
  controllers: [ClientController, HealthController, MetricsController],
  services: [NodeHealth, Metrics],
};
const API: Endpoints = {
  controllers: [RoomsController, UsersController, ApiController],
  services: [IdempotentPublisher, SessionQueries, RoomQueries, UserQueries, StatsReader, RequestBodies],
};
const CONSOLE: Endpoints = { controllers: [ConsoleController], services: [] };
const DOCS: Endpoints = { controllers: [DocsController], services: [DocsFiles] };

/**
 * Lists the built-in endpoints. They are an application of their own, so that nothing global of the server's application
 * reaches them. Its services are those of the server, passed as values. Nest calls lifecycle hooks of values too, so a
 * service in this list has none.
 */
@Module({})
export class EndpointsModule {
  /** @param server finds the services that exist already */
  static forServer(server: Services): DynamicModule {
    const { apiKeys, console, docs } = server.get<Settings>(Settings, { strict: false });
    const parts = [
      ALWAYS,
      ...(apiKeys === undefined ? [] : [API]),
      ...(console ? [CONSOLE] : []),
      ...(docs ? [DOCS] : []),
    ];
    const services = [Settings, Log, ...parts.flatMap((part) => part.services)];
    return {
      module: EndpointsModule,
      controllers: parts.flatMap(({ controllers }) => controllers),
      providers: services.map((type) => ({ provide: type, useValue: server.get<object>(type, { strict: false }) })),
    };
  }
}
