import { ValidationPipe } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { WsAdapter } from '@nestjs/platform-ws';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module.js';
import { createHost } from './platform.js';

async function start(): Promise<void> {
  const app = await createHost(AppModule);
  app.setGlobalPrefix('api');
  app.enableCors({ origin: 'https://app.example', credentials: true });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true }));
  app.useWebSocketAdapter(new WsAdapter(app));
  app.enableShutdownHooks();
  const description = new DocumentBuilder().setTitle('Host').addBearerAuth().build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description));
  await app.listen(app.get(ConfigService).getOrThrow<number>('port'), '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  process.stdout.write(`listening on port ${port}\n`);
}

void start();
