import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ApiModule } from './api.module.js';

/** Serves the OpenAPI document of the HTTP API, which needs no key: it is not a secret. */
export function serveOpenApi(app: INestApplication): void {
  const outline = new DocumentBuilder()
    .setTitle('Switchboard')
    .setDescription('Speak to connected sessions, see them and end them. Errors are problem details (RFC 9457).')
    .setVersion('1')
    .addBearerAuth()
    .build();
  const jsonDocumentUrl = 'api/v1/openapi.json';
  SwaggerModule.setup('api/v1', app, () => SwaggerModule.createDocument(app, outline, { include: [ApiModule] }), {
    ui: false,
    raw: ['json'],
    jsonDocumentUrl,
  });
}
