import { Module, type INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { MessagingGateway, StartError, SwitchboardAdapter, SwitchboardModule } from '../../src/index.js';
import { claimUpgrades } from '../../src/gateway/http/claimed-upgrades.js';
import { ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { createHost, exchangeText, PLATFORMS, startHost } from '../support/host-app.js';

@WebSocketGateway({ path: '/orders' })
class OrdersGateway {
  @SubscribeMessage('order')
  order(): object {
    return { event: 'ordered', data: 3 };
  }
}

@WebSocketGateway({ namespace: 'orders' })
class SocketIoGateway {
  @SubscribeMessage('order')
  order(): object {
    return { event: 'ordered', data: 3 };
  }
}

@MessagingGateway()
class DiceGateway {
  @SubscribeMessage('dice.roll')
  roll(): number {
    return 4;
  }
}

@Module({ imports: [SwitchboardModule.forRoot()], providers: [OrdersGateway, DiceGateway] })
class WsModule {}

@Module({ imports: [SwitchboardModule.forRoot()], providers: [SocketIoGateway, DiceGateway] })
class SocketIoModule {}

/** Sends an order by a client of Socket.IO, and returns the answer. */
async function orderBySocketIo(port: number): Promise<unknown> {
  const socket = io(`http://127.0.0.1:${port}/orders`, { reconnection: false, transports: ['websocket'] });
  try {
    return await new Promise((resolve, reject) => {
      socket.on('ordered', resolve);
      socket.on('connect_error', reject);
      socket.on('connect', () => socket.emit('order'));
    });
  } finally {
    socket.close();
  }
}

async function roll(port: number): Promise<unknown> {
  const client = await connect(`ws://127.0.0.1:${port}/wss`);
  client.send({ type: 'dice.roll', id: '1' });
  const { data } = await client.answer('1');
  await client.close();
  return data;
}

const portOf = (app: INestApplication): number => ((app.getHttpServer() as Server).address() as AddressInfo).port;

describe.each(PLATFORMS)('the other adapter on %s', (platform) => {
  it('is the one that the application has set before', async () => {
    const host = await startHost(platform, WsModule, (app) => {
      app.useWebSocketAdapter(new WsAdapter(app));
      app.useWebSocketAdapter(new SwitchboardAdapter(app));
    });
    expect(await exchangeText(`ws://127.0.0.1:${host.port}/orders`, '{"event":"order"}')).toBe(
      '{"event":"ordered","data":3}',
    );
    expect(await roll(host.port)).toBe(4);
    await host.stop();
  });

  it("is Nest's own, which speaks Socket.IO, where the application has set none", async () => {
    const host = await startHost(platform, SocketIoModule);
    expect(await orderBySocketIo(host.port)).toBe(3);
    expect(await roll(host.port)).toBe(4);
    await host.stop();
  });

  it('is the one of a running application', async () => {
    const { app } = await createHost(platform, SocketIoModule);
    await app.listen(0, '127.0.0.1');
    app.useWebSocketAdapter(new SwitchboardAdapter(app));
    expect(await orderBySocketIo(portOf(app))).toBe(3);
    expect(await roll(portOf(app))).toBe(4);
    await app.close();
  });
});

describe.each(PLATFORMS)('the adapter of Switchboard on %s', (platform) => {
  it('exists once in an application', async () => {
    const { app } = await createHost(platform, WsModule);
    const first = new SwitchboardAdapter(app);
    expect(() => new SwitchboardAdapter(app)).toThrow(StartError);
    app.useWebSocketAdapter(first);
    await app.close();
  });

  it('that is replaced by another one is named in the log', async () => {
    const host = await startHost(platform, WsModule, (app) => {
      app.useWebSocketAdapter(new SwitchboardAdapter(app));
      app.useWebSocketAdapter(new WsAdapter(app));
    });
    expect(host.lines).toContain(
      'warn [Switchboard] app.close() does not drain sessions: call app.useWebSocketAdapter() with the SwitchboardAdapter, after any other',
    );
    await host.stop();
  });
});

describe('upgrade requests of a server with two claims', () => {
  it('are read as plain ones where neither takes them', async () => {
    const server = createServer((_, response) => response.end('plain'));
    const claim = { claims: () => false, handle: () => undefined, maxWaitMs: 0 };
    const releases = [claimUpgrades(server, claim), claimUpgrades(server, claim)];
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    expect(await ask(`http://127.0.0.1:${port}/`, { headers })).toMatchObject({ status: 200, body: 'plain' });
    for (const release of releases.toReversed()) release();
    expect(server.listenerCount('upgrade')).toBe(0);
    server.close();
  });
});
