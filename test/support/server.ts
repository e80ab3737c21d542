import type { DynamicModule, INestApplication } from '@nestjs/common';
import { createApp, startApp } from '../../src/app.js';
import { Settings } from '../../src/settings/settings.js';

export interface TestServer {
  readonly port: number;
  /** `ws://127.0.0.1:PORT/wss` */
  readonly url: string;
  readonly app: INestApplication;
  stop(): Promise<void>;
}

/** Starts the real application on a free port. @param variables settings as in the environment */
export async function startServer(
  variables: Record<string, string> = {},
  handlers?: DynamicModule['imports'],
): Promise<TestServer> {
  const app = await createApp({
    variables: { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...variables },
    ...(handlers && { handlers }),
  });
  const port = await startApp(app);
  return { port, url: `ws://127.0.0.1:${port}${app.get(Settings).wsPath}`, app, stop: () => app.close() };
}
