import { Module } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { MessagingGateway, SERVER, Switchboard, type OnSessionArrival, type Session } from '../../src/index.js';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

const GUEST = { headers: { 'x-guest': 'yes' } };
const isGuest = ({ headers }: IncomingMessage): boolean => headers['x-guest'] !== undefined;

@MessagingGateway()
class ClosesSocket {
  handleConnection(client: WebSocket, request: IncomingMessage): void {
    if (isGuest(request)) client.close(4003, 'no key');
  }
}

@MessagingGateway()
class TerminatesSocket {
  handleConnection(client: WebSocket, request: IncomingMessage): void {
    if (isGuest(request)) client.terminate();
  }
}

@MessagingGateway()
class ClosesSession implements OnSessionArrival {
  #sessions = 0;

  onSessionArrival(session: Session): void {
    if (this.#sessions++ > 0) session.close(4000);
  }
}

@MessagingGateway()
class ClosesById {
  constructor(private readonly switchboard: Switchboard) {}

  handleConnection({ session }: GatewaySocket, request: IncomingMessage): void {
    this.switchboard.broadcast(SERVER, 'server.note', 1);
    if (isGuest(request)) this.switchboard.close(session!.id);
  }
}

/** Sends in the name of the new session, and then closes the session of a guest. */
@MessagingGateway()
class Introduces {
  constructor(private readonly switchboard: Switchboard) {}

  handleConnection({ session }: GatewaySocket, request: IncomingMessage): void {
    this.switchboard.broadcast(session!, 'hello', 1);
    if (isGuest(request)) session!.close(4000);
  }
}

let app: TestServer;
afterEach(() => app.stop());

async function start(gateway: new (...parameters: never[]) => object, variables = {}): Promise<Client> {
  @Module({ providers: [gateway] })
  class GatewayModule {}
  app = await startServer(variables, [GatewayModule]);
  return app.connect();
}

/** Takes all messages that a client has got, as `TYPE` or `TYPE about SENDER`. */
async function received(client: Client, names: Record<string, string> = {}): Promise<string[]> {
  await client.settled();
  return client.inbox.splice(0).map(({ type, sender }) => `${type} ${names[sender] ?? sender}`);
}

describe('a session that a hook closes at once', () => {
  it.each([
    ['client.close in handleConnection', ClosesSocket, 4003],
    ['client.terminate in handleConnection', TerminatesSocket, 1006],
    ['session.close in onSessionArrival', ClosesSession, 4000],
  ])('by %s is announced to nobody', async (_, gateway, code) => {
    for (const ARRIVAL_NOTICES of ['on', 'off']) {
      const ann = await start(gateway, { ARRIVAL_NOTICES });
      const guest = await app.connect(GUEST).catch(() => undefined);
      if (guest !== undefined) expect((await guest.closed).code).toBe(code);
      expect(await received(ann)).toEqual([]);
      ann.send({ type: 'sys.who', id: '1' });
      expect((await ann.answer('1')).data.total).toBe(1);
      if (ARRIVAL_NOTICES === 'on') await app.stop();
    }
  });

  it('by its id is announced to nobody, and the messages of the hook arrive', async () => {
    const ann = await start(ClosesById);
    await received(ann);
    const guest = await app.connect(GUEST);
    expect((await guest.next()).type).toBe('server.note');
    expect((await guest.closed).code).toBe(4000);
    expect(await received(ann)).toEqual(['server.note server']);
  });

  it('is announced before a message in its name, and its departure follows', async () => {
    const ann = await start(Introduces);
    const guest = await app.connect(GUEST);
    await guest.closed;
    expect(await received(ann, { [guest.id]: 'guest' })).toEqual([
      'sys.arrived guest',
      'hello guest',
      'sys.departed guest',
    ]);
    expect(guest.inbox).toEqual([]);
  });

  it('leaves the notices of others as they are', async () => {
    const ann = await start(ClosesSocket);
    const bob = await app.connect();
    await (
      await app.connect(GUEST)
    ).closed;
    const eve = await app.connect();
    await bob.close(1000);
    const names = { [bob.id]: 'bob', [eve.id]: 'eve' };
    await eve.next('sys.departed');
    expect(await received(ann, names)).toEqual(['sys.arrived bob', 'sys.arrived eve', 'sys.departed bob']);
    expect(await received(eve)).toEqual([]);
  });
});
