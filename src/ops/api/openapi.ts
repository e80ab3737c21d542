import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiModule } from './api.module.js';
import { NOT_FOUND, sendProblem } from './problem.filter.js';

/** Serves the OpenAPI document of the HTTP API, which needs no key: it is not a secret. */
export function serveOpenApi(app: INestApplication): void {
  refuseUndecodable(app);
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

/** A path that cannot be decoded never comes to the controller; Nest would answer it in words of its own. */
function refuseUndecodable(app: INestApplication): void {
  app.use('/api/v1', ({ url = '' }: IncomingMessage, response: ServerResponse, next: () => void) => {
    try {
      decodeURIComponent(url.split('?', 1)[0]!);
      next();
    } catch {
      sendProblem(response, NOT_FOUND);
    }
  });
}
