import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Deferred } from '../support/deferred.js';
import { startServer } from '../support/server.js';

const calls: string[] = [];
const left = new Deferred();

@WebSocketGateway()
class OtherGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  afterInit(): void {
    calls.push('afterInit');
  }

  handleConnection(): void {
    calls.push('handleConnection');
  }

  handleDisconnect(): void {
    calls.push('handleDisconnect');
    left.resolve();
  }
}

@Module({ providers: [OtherGateway] })
class OtherModule {}

it('a Nest application with another adapter in the same process keeps the hooks of its gateways', async () => {
  const server = await startServer({}, []);
  const other = await NestFactory.create(OtherModule, { logger: false });
  other.useWebSocketAdapter(new WsAdapter(other));
  await other.listen(0, '127.0.0.1');
  const { port } = (other.getHttpServer() as Server).address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(client, 'open');
  client.close();
  await left.promise;
  expect(calls).toEqual(['afterInit', 'handleConnection', 'handleDisconnect']);
  await other.close();
  await server.stop();
});
