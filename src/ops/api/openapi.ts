import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from '../../settings/settings.js';
import { NOT_FOUND, Problem, sendProblem } from './problem.filter.js';
import { checkQuery } from './query-parameters.guard.js';

/** Path of the document below the API's. */
const DOCUMENT = '/openapi.json';

/** Serves the OpenAPI document of the HTTP API. The document needs no key, because it holds no secret. */
export function serveOpenApi(app: INestApplication, { endpointPrefix }: Settings): void {
  rejectBadRequests(app, `${endpointPrefix}/api/v1`);
  const config = new DocumentBuilder()
    .setTitle('Switchboard')
    .setDescription(
      'Send messages to connected sessions, users and rooms; list and close sessions; list rooms and change their members. Errors are problem details (RFC 9457).',
    )
    .setVersion('1')
    .addServer('../..') // relative to the document, because a proxy may add a prefix
    .addBearerAuth()
    .build();
  SwaggerModule.setup('api/v1', app, () => SwaggerModule.createDocument(app, config, { ignoreGlobalPrefix: true }), {
    useGlobalPrefix: true,
    ui: false,
    raw: ['json'],
    jsonDocumentUrl: `api/v1${DOCUMENT}`,
  });
}

/**
 * Answers paths that cannot be decoded, and a query of the document. Nest would answer the first itself, not as problem
 * details, and ignore the second.
 */
function rejectBadRequests(app: INestApplication, base: string): void {
  app.use(base, ({ url = '' }: IncomingMessage, response: ServerResponse, next: () => void) => {
    const [path = ''] = url.split('?', 1);
    try {
      if (decodeURIComponent(path) === DOCUMENT) checkQuery(url);
    } catch (error) {
      return sendProblem(response, error instanceof Problem ? error : NOT_FOUND);
    }
    next();
  });
}
