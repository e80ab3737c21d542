import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from '../../settings/settings.js';
import { NOT_FOUND, sendProblem } from './problem.filter.js';

/** Serves the OpenAPI document of the HTTP API. The document needs no key, because it holds no secret. */
export function serveOpenApi(app: INestApplication, { httpBase }: Settings): void {
  rejectUndecodablePaths(app, `${httpBase.replace(/\/$/, '')}/api/v1`);
  const config = new DocumentBuilder()
    .setTitle('Switchboard')
    .setDescription(
      'Send messages to connected sessions, list sessions and close them. Errors are problem details (RFC 9457).',
    )
    .setVersion('1')
    .addServer('../..') // relative to the document, because a proxy may add a prefix
    .addBearerAuth()
    .build();
  const jsonDocumentUrl = 'api/v1/openapi.json';
  SwaggerModule.setup('api/v1', app, () => SwaggerModule.createDocument(app, config, { ignoreGlobalPrefix: true }), {
    useGlobalPrefix: true,
    ui: false,
    raw: ['json'],
    jsonDocumentUrl,
  });
}

/** Answers paths that cannot be decoded. Nest would answer them itself, and not as problem details. */
function rejectUndecodablePaths(app: INestApplication, path: string): void {
  app.use(path, ({ url = '' }: IncomingMessage, response: ServerResponse, next: () => void) => {
    try {
      decodeURIComponent(url.split('?', 1)[0]!);
      next();
    } catch {
      sendProblem(response, NOT_FOUND);
    }
  });
}
