import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { config } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  MessagingGateway,
  SettingsError,
  StartError,
  Switchboard,
  SwitchboardAdapter,
  SwitchboardModule,
} from '../../src/index.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { createHost, PLATFORMS, startHost, type HostApp } from '../support/host-app.js';
import { startNode } from '../support/server.js';

@MessagingGateway()
class FirstGateway {
  @SubscribeMessage('name')
  name(): string {
    return 'first';
  }
}

@MessagingGateway()
class SecondGateway {
  @SubscribeMessage('name')
  name(): string {
    return 'second';
  }
}

@Module({ imports: [SwitchboardModule.forRoot()], providers: [FirstGateway] })
class FirstModule {}

@Module({ imports: [SwitchboardModule.forRoot({ heartbeatMs: 4000 })], providers: [SecondGateway] })
class SecondModule {}

@Module({ providers: [FirstGateway] })
class StandaloneHandlers {}

const hosts: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of hosts.splice(0)) await each.stop();
});
const kept = <Host extends { stop(): Promise<void> }>(host: Host): Host => {
  hosts.push(host);
  return host;
};

describe.each(PLATFORMS)('two applications in one process, on %s', (platform) => {
  const answers = async (connected: Promise<Awaited<ReturnType<HostApp['connect']>>>): Promise<unknown[]> => {
    const client = await connected;
    client.send({ type: 'name', id: '1' });
    const { data } = (await client.answer('1')) as { data: unknown };
    client.send({ type: 'sys.who', id: '2' });
    const { total } = (await client.next('sys.sessions')).data as { total: number };
    return [data, total, (client.welcome.data as { heartbeatMs: number }).heartbeatMs];
  };

  it('that have the library have sessions, gateways and settings apart', async () => {
    const [first, second] = [
      kept(await startHost(platform, FirstModule)),
      kept(await startHost(platform, SecondModule)),
    ];
    expect(await answers(first.connect())).toEqual(['first', 1, 25_000]);
    expect(await answers(second.connect())).toEqual(['second', 1, 4000]);
    await first.stop();
    expect(await answers(second.connect())).toEqual(['second', 2, 4000]);
  });

  it('of which one is the server as a program are apart, too', async () => {
    const server = kept(await startNode({}, [StandaloneHandlers]));
    const library = kept(await startHost(platform, SecondModule));
    expect(await answers(connect(server.url))).toEqual(['first', 1, 25_000]);
    expect(await answers(library.connect())).toEqual(['second', 1, 4000]);
  });
});

describe.each(PLATFORMS)('a library on %s', (platform) => {
  it('adds no listener to the process, and nothing to rxjs', async () => {
    const events = ['uncaughtException', 'unhandledRejection', 'warning', 'exit', 'SIGTERM', 'SIGINT'];
    const counts = (): unknown[] => [
      ...events.map((event) => process.listenerCount(event)),
      process.stdout.listenerCount('error'),
      config.onUnhandledError,
    ];
    const before = counts();
    const host = kept(await startHost(platform, FirstModule));
    await (await host.connect()).close();
    expect(counts()).toEqual(before);
  });

  it('without the adapter starts, and says in the log how sessions open', async () => {
    const host = kept(await startHost(platform, FirstModule, () => undefined));
    expect(host.lines).toContain(
      'warn [Switchboard] no session can open: call app.useWebSocketAdapter(new SwitchboardAdapter(app)) before app.listen()',
    );
  });

  it('ends the start with every wrong option', async () => {
    @Module({ imports: [SwitchboardModule.forRoot({ heartbeatMs: 1, wsPath: 'wss' })] })
    class WrongModule {}
    const error = await createHost(platform, WrongModule).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SettingsError);
    expect((error as SettingsError).lines).toEqual([
      'wsPath must be a path such as /wss, without a trailing slash (it is "wss")',
      'heartbeatMs must be a whole number of milliseconds from 50 to 2147483647 (it is 1)',
    ]);
  });

  it('ends the start where the factory of forRootAsync() returns no options', async () => {
    @Module({ imports: [SwitchboardModule.forRootAsync({ useFactory: () => undefined as never })] })
    class WrongModule {}
    const error = await createHost(platform, WrongModule).catch((thrown: unknown) => thrown);
    expect((error as SettingsError).lines).toEqual([
      'the options of SwitchboardModule must be an object, such as {} (they are undefined)',
    ]);
  });

  it('refuses pages of other ports of localhost unless nodeEnv is development', async () => {
    @Module({ imports: [SwitchboardModule.forRoot({ nodeEnv: 'development' })] })
    class DevelopedModule {}
    const headers = { ...HANDSHAKE, Origin: 'http://localhost:5173' };
    const strict = kept(await startHost(platform, FirstModule));
    expect((await ask(`${strict.origin}/wss`, { headers })).status).toBe(403);
    const developed = kept(await startHost(platform, DevelopedModule));
    await (await connect(`ws://127.0.0.1:${developed.port}/wss`, { origin: 'http://localhost:5173' })).close();
  });

  it('names unknown variables with its prefix', async () => {
    @Module({ imports: [SwitchboardModule.forRoot({ environment: { prefix: 'CHAT_' } })] })
    class PrefixedModule {}
    process.env['CHAT_COLOUR'] = 'red';
    const host = kept(await startHost(platform, PrefixedModule));
    delete process.env['CHAT_COLOUR'];
    expect(host.lines).toContain('warn [Switchboard] CHAT_COLOUR is not a setting');
  });

  it('ends the start where no module calls forRoot()', async () => {
    @Module({ imports: [SwitchboardModule] })
    class BareModule {}
    await expect(createHost(platform, BareModule)).rejects.toThrow(
      'SwitchboardModule is imported without options: call SwitchboardModule.forRoot()',
    );
  });

  it('may be imported by more modules without options', async () => {
    @Module({ imports: [SwitchboardModule, FirstModule] })
    class BareModule {}
    await (await kept(await startHost(platform, BareModule)).connect()).close();
  });

  it('ends the start where a gateway is one of Nest, too', async () => {
    @WebSocketGateway({ path: '/both' })
    @MessagingGateway()
    class BothGateway {}
    @Module({ imports: [FirstModule], providers: [BothGateway] })
    class BothModule {}
    const { app } = await createHost(platform, BothModule);
    expect(() => new SwitchboardAdapter(app)).toThrow(
      'BothGateway has @MessagingGateway() and @WebSocketGateway(); remove one of them',
    );
    await app.close();
  });

  it('ends the start where a gateway of Nest has its path', async () => {
    @WebSocketGateway({ path: 'wss/' })
    class SamePathGateway {}
    @Module({ imports: [FirstModule], providers: [SamePathGateway] })
    class SamePathModule {}
    const { app } = await createHost(platform, SamePathModule);
    expect(() => new SwitchboardAdapter(app)).toThrow(
      'SamePathGateway: the path /wss is that of Switchboard; choose another path, or another wsPath',
    );
    await app.close();
  });

  it('ends the start where forRoot() is called twice', async () => {
    @Module({ imports: [FirstModule, SecondModule] })
    class TwiceModule {}
    const { app } = await createHost(platform, TwiceModule);
    await expect(app.init()).rejects.toThrow(
      'SwitchboardModule.forRoot() is called 2 times; call it once, in the root module',
    );
    await app.close();
  });

  it('ends the start with every fault of a gateway', async () => {
    @Module({ imports: [FirstModule], providers: [SecondGateway] })
    class TwiceModule {}
    const { app } = await createHost(platform, TwiceModule);
    expect(() => new SwitchboardAdapter(app)).toThrow(StartError);
    await app.close();
  });
});

describe('an application without SwitchboardModule', () => {
  it('cannot create the adapter, and learns why before Nest ends the process', async () => {
    @Module({})
    class EmptyModule {}
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => expect.unreachable(`exit ${code}`));
    const app = await NestFactory.create(EmptyModule, { logger: false }); // as in the documents, with abortOnError
    try {
      expect(() => new SwitchboardAdapter(app)).toThrow(
        'SwitchboardAdapter needs SwitchboardModule.forRoot() in the imports of a module of the application',
      );
      expect(exit).not.toHaveBeenCalled();
    } finally {
      exit.mockRestore();
      await app.close();
    }
  });
});

describe('an application context without HTTP', () => {
  it('has the providers of the library', async () => {
    const context = await NestFactory.createApplicationContext(FirstModule, { logger: false, abortOnError: false });
    expect(context.get(Switchboard).list()).toEqual({ sessions: [], total: 0 });
    await context.close();
  });
});
