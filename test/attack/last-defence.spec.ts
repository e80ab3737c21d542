import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessageDispatcher } from '../../src/gateway/dispatch/message-dispatcher.js';
import { FastFrameReader } from '../../src/gateway/frames/fast-frame-reader.js';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { Admission } from '../../src/gateway/handshake/admission.js';
import { Handshake } from '../../src/gateway/handshake/handshake.js';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { FastRouter } from '../../src/messaging/fast-router.js';
import { LocalDelivery } from '../../src/messaging/local-delivery.js';
import { MessageRouter } from '../../src/messaging/message-router.js';
import { EnvelopeScanner } from '../../src/protocol/index.js';
import { Outbox } from '../../src/sessions/outbox.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { clientFrame } from '../support/client-frames.js';
import { connect, type Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

const BOOM = 'injected at this layer';
const INCIDENT = /incident=[0-9a-f]{12}/;

@MessagingGateway()
class Streams {
  stopped = 0;

  /** An observable that never ends, and whose end throws. */
  @SubscribeMessage('stream')
  stream(): Observable<number> {
    return new Observable((subscriber) => {
      subscriber.next(1);
      return () => {
        this.stopped++;
        throw new Error(BOOM);
      };
    });
  }
}
@Module({ providers: [Streams] })
class Handlers {}

const log = keepLogLines();

describe.each(['on', 'off'])('an exception that nothing expected, fast lane %s,', (FAST_LANE) => {
  let server: TestServer;
  let pair: readonly [Client, Client];
  /** Puts back what a test has replaced. */
  let restore: (() => void)[] = [];

  beforeEach(async () => {
    server = await startServer({ FAST_LANE }, [Handlers as never]);
    pair = [await connect(server.url), await connect(server.url)];
  });
  afterEach(async () => {
    for (const each of restore.splice(0)) each();
    await server.stop();
  });

  /** Makes a method throw where its arguments, or the object itself, concern the victim. */
  function inject<Owner extends object>(
    owner: Owner,
    method: keyof Owner & string,
    concerns: (self: Owner, args: unknown[]) => boolean,
  ): void {
    const original = owner[method] as (...args: unknown[]) => unknown;
    const own = Object.getOwnPropertyDescriptor(owner, method);
    Object.defineProperty(owner, method, {
      configurable: true,
      writable: true,
      value(this: Owner, ...args: unknown[]): unknown {
        if (concerns(this, args)) throw new Error(BOOM);
        return original.apply(this, args);
      },
    });
    restore.push(() => {
      if (own === undefined) Reflect.deleteProperty(owner, method);
      else Object.defineProperty(owner, method, own);
    });
  }

  const get = <Service>(type: abstract new (...args: never[]) => Service): Service =>
    server.app.get(type, { strict: false });
  const sessionOf = ({ id }: Client): Session => get(SessionRegistry).find(id)!;

  async function expectCalm(): Promise<void> {
    const [ann, bob] = pair;
    ann.send({ type: 'calm', receiver: bob.id, id: 'c', data: 1 });
    expect((await bob.next('calm')).data).toBe(1);
    expect((await ann.answer('c')).data).toEqual({ status: 'routed' });
  }

  function expectIncident(): void {
    const lines = log.filter((line) => line.includes(BOOM));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => INCIDENT.test(line))).toBe(true);
  }

  /** Only the victim goes, with 1011; the others get its departure. */
  async function expectVictimClosed(victim: Client): Promise<void> {
    expect(await victim.closed).toEqual({ code: 1011, reason: 'internal_error' });
    expect(await pair[0].next('sys.departed')).toMatchObject({ sender: victim.id, data: { code: 1011 } });
    expectIncident();
    await expectCalm();
  }

  it('in the frame reader closes that socket with 1011 and no other', async () => {
    const victim = await connect(server.url);
    inject(get(FastFrameReader), 'read', (_, [socket]) => (socket as GatewaySocket).session?.id === victim.id);
    victim.send({ type: 'x', receiver: pair[0].id });
    await expectVictimClosed(victim);
  });

  it('in a listener of ws closes that socket with 1011 and no other', async () => {
    const victim = await connect(server.url);
    inject(get(MessageDispatcher), 'read', (_, [socket]) => (socket as GatewaySocket).session?.id === victim.id);
    victim.sendText('{"type":');
    await expectVictimClosed(victim);
  });

  it('in the dispatcher closes that socket with 1011 and no other', async () => {
    const victim = await connect(server.url);
    const own = (_: MessageDispatcher, [socket]: unknown[]): boolean =>
      (socket as GatewaySocket).session?.id === victim.id;
    inject(get(MessageDispatcher), 'dispatch', own);
    inject(get(MessageDispatcher), 'read', own);
    victim.send({ type: 'stream' });
    await expectVictimClosed(victim);
  });

  const fastLayers: [string, (victim: Client) => void][] = [
    ['scanner', () => inject(EnvelopeScanner.prototype, 'scan', (_, [, from, to]) => Number(to) - Number(from) > 1000)],
    [
      'fast router',
      (victim) => inject(get(FastRouter), 'tryRoute', (_, [sender]) => (sender as Session).id === victim.id),
    ],
  ];
  const layers = FAST_LANE === 'on' ? fastLayers : [];
  it.each(layers)('in the %s closes that socket with 1011 and no other', async (_, injectInto) => {
    const victim = await connect(server.url);
    injectInto(victim);
    victim.send({ type: 'x', receiver: pair[0].id, data: 'x'.repeat(1000) });
    await expectVictimClosed(victim);
  });

  it('in the router is answered by internal_error, or closes that socket', async () => {
    const victim = await connect(server.url);
    inject(get(MessageRouter), 'route', (_, [sender]) => (sender as Session).id === victim.id);
    inject(get(FastRouter), 'tryRoute', (_, [sender]) => (sender as Session).id === victim.id);
    victim.send({ type: 'x', receiver: pair[0].id });
    if (FAST_LANE === 'on') return expectVictimClosed(victim);
    expect((await victim.next('sys.error')).data.code).toBe('internal_error');
    expectIncident();
    return expectCalm();
  });

  it('in a delivery to all closes the sender with 1011 and no other', async () => {
    const victim = await connect(server.url);
    inject(get(LocalDelivery), 'fanOut', (_, [frame]) => String(frame).includes('to-all'));
    victim.send({ type: 'to-all', receiver: '*' });
    if (FAST_LANE === 'on') return expectVictimClosed(victim);
    expect((await victim.next('sys.error')).data.code).toBe('internal_error');
    expectIncident();
    return expectCalm();
  });

  it('in the flush of one outbox closes that session with 1011, and all others are flushed', async () => {
    const victim = await connect(server.url);
    const { outbox } = sessionOf(victim);
    inject(Outbox.prototype, 'flush', (self) => self === outbox && !sessionOf(victim)?.closed);
    pair[0].send({ type: 'all', receiver: '*', id: 'a' });
    expect((await pair[1].next('all')).sender).toBe(pair[0].id);
    expect((await pair[0].answer('a')).data).toEqual({ status: 'accepted' });
    await expectVictimClosed(victim);
  });

  it('while notices are written closes that session with 1011, and all others get their notices', async () => {
    const victim = await connect(server.url);
    const { outbox } = sessionOf(victim);
    inject(Outbox.prototype, 'appendShared', (self) => self === outbox);
    const guest = await connect(server.url);
    expect((await pair[1].next('sys.arrived')).sender).toBe(victim.id);
    expect((await pair[1].next('sys.arrived')).sender).toBe(guest.id);
    expect(await pair[0].next('sys.departed')).toMatchObject({ sender: victim.id, data: { code: 1011 } });
    expect((await victim.closed).code).toBe(1011);
    expectIncident();
    await expectCalm();
  });

  it('in a listener of an arrival closes that session with 1011, after all listeners were called', async () => {
    for (const phase of ['opened', 'announced'] as const) {
      const called: string[] = [];
      let isArmed = true;
      get(SessionRegistry).addListener('directory', {
        [phase]: () => {
          if (isArmed) throw new Error(BOOM);
        },
      });
      get(SessionRegistry).addListener('hooks', {
        [phase]: ({ id }: Session) => {
          if (isArmed) called.push(id);
        },
      });
      const victim = await connect(server.url);
      isArmed = false;
      expect(called).toEqual([victim.id]);
      if (phase === 'announced') await expectVictimClosed(victim);
      else expect((await victim.closed).code).toBe(1011); // and is announced to nobody
    }
  });

  it.each(['closing', 'closed'] as const)('in a listener (%s) keeps no other from being called', async (phase) => {
    const victim = await connect(server.url);
    const closed: number[] = [];
    get(SessionRegistry).addListener('directory', {
      [phase]: ({ id }: Session) => {
        if (id === victim.id) throw new Error(BOOM);
      },
    });
    get(SessionRegistry).addListener('hooks', { closed: (_, code) => closed.push(code) });
    victim.socket.close(4321);
    await victim.closed;
    expect((await pair[0].next('sys.departed')).sender).toBe(victim.id);
    expect(closed).toEqual([4321]);
    expectIncident();
    await expectCalm();
  });

  it('while an observable is stopped is logged, and the other observables are stopped', async () => {
    const victim = await connect(server.url);
    victim.send({ type: 'stream' });
    victim.send({ type: 'stream' });
    await victim.next('stream');
    await victim.next('stream');
    await victim.close(1000);
    expect(await pair[0].next('sys.departed')).toMatchObject({ sender: victim.id, data: { code: 1000 } });
    await expect.poll(() => get(Streams).stopped).toBe(2);
    expect(log.filter((line) => INCIDENT.test(line) && line.includes(victim.id))).toHaveLength(2);
    await expectCalm();
  });

  it('while a client that reads slowly is written to closes that session with 1011', async () => {
    const victim = await RawClient.open(server.port);
    const session = get(SessionRegistry).find(victim.id)!;
    const { sink } = session.connection as GatewaySocket;
    victim.socket.pause();
    while (!sink.writableNeedDrain) {
      pair[0].send({ type: 'big', receiver: victim.id, id: 'b', data: 'b'.repeat(60_000) });
      await pair[0].answer('b');
    }
    pair[0].send({ type: 'more', receiver: victim.id, id: 'm' });
    await pair[0].answer('m');
    let failures = 0;
    inject(sink, 'send', () => failures++ === 0);
    victim.socket.resume();
    expect(await pair[0].next('sys.departed')).toMatchObject({ sender: victim.id, data: { code: 1011 } });
    while (!victim.over) await new Promise(setImmediate);
    expect(victim.lines.at(-1)).toBe('close 1011 internal_error');
    expectIncident();
    await expectCalm();
  });

  it.each(['handshake', 'admission'])('in the %s cuts that connection and no other', async (layer) => {
    let isArmed = true;
    if (layer === 'handshake') inject(get(Handshake), 'rejection', () => isArmed);
    else inject(get(Admission), 'admit', () => isArmed);
    await expect(connect(server.url)).rejects.toThrow(/hang up|could not connect/);
    isArmed = false;
    expectIncident();
    await expectCalm();
    await (await connect(server.url)).close();
  });

  it('while a session is opened frees its place under the connection limits', async () => {
    const admission = get(Admission);
    let released = 0;
    inject(admission, 'release', () => {
      released++;
      return false;
    });
    inject(get(SessionRegistry), 'create', () => true);
    await expect(connect(server.url)).rejects.toThrow(/hang up|could not connect/);
    expect(released).toBe(1);
    expectIncident();
    await expectCalm();
  });
});

it('leaves a frame that follows in the same write without effect', async () => {
  const server = await startServer();
  try {
    const ann = await connect(server.url);
    const victim = await RawClient.open(server.port);
    const reader = server.app.get(FastRouter, { strict: false });
    const original = reader.tryRoute.bind(reader);
    let calls = 0;
    reader.tryRoute = (...args) => {
      if (++calls === 2) throw new Error(BOOM);
      return original(...args);
    };
    const frame = (id: number): Buffer => clientFrame(`{"type":"n","receiver":"${ann.id}","data":${id}}`);
    victim.socket.write(Buffer.concat([frame(1), frame(2), frame(3)]));
    expect((await ann.next('n')).data).toBe(1);
    expect((await ann.next('sys.departed')).data).toEqual({ code: 1011 });
    await ann.settled();
    expect(ann.inbox.filter(({ type }) => type === 'n')).toEqual([]);
  } finally {
    await server.stop();
  }
});
