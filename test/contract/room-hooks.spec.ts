import { Injectable, Module, Scope } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  MessagingGateway,
  Rooms,
  Switchboard,
  type OnRoomJoined,
  type OnRoomLeft,
  type OnSessionArrival,
  type OnSessionDeparture,
  type Session,
} from '../../src/index.js';
import { Counters } from '../../src/telemetry/counters.js';
import type { Client } from '../support/client.js';
import { Deferred } from '../support/deferred.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

/** Records calls, and holds back those that a test names. */
@Injectable()
class Calls {
  readonly list: string[] = [];
  readonly gates = new Map<string, Promise<void>>();

  async record(call: string): Promise<void> {
    this.list.push(call);
    const gate = this.gates.get(call);
    if (gate === undefined) return;
    await gate;
    this.list.push(`${call}, settled`);
  }

  hold(call: string): Deferred {
    const gate = new Deferred();
    this.gates.set(call, gate.promise);
    return gate;
  }
}

@MessagingGateway()
class RecordingGateway implements OnRoomJoined, OnRoomLeft, OnSessionArrival, OnSessionDeparture {
  /** Names of the sessions in the calls. */
  readonly names = new Map<string, string>();

  constructor(private readonly calls: Calls) {}

  onSessionArrival(session: Session): Promise<void> {
    return this.#record('arrival', session);
  }

  onRoomJoined(session: Session, room: string): Promise<void> {
    return this.#record(`joined ${room}`, session);
  }

  onRoomLeft(session: Session, ...[room, code]: [room: string, code?: number]): Promise<void> {
    return this.#record(code === undefined ? `left ${room}` : `left ${room} by ${code}`, session);
  }

  onSessionDeparture(session: Session, code: number): Promise<void> {
    return this.#record(`departure by ${code}`, session);
  }

  #record(call: string, { id }: Session): Promise<void> {
    return this.calls.record(`${this.names.get(id) ?? 'new'}: ${call}`);
  }
}

@MessagingGateway()
class FailingGateway implements OnRoomJoined, OnRoomLeft {
  onRoomJoined(_: Session, room: string): void {
    if (room === 'bad') throw new Error('joined a bad room');
  }

  async onRoomLeft(_: Session, room: string): Promise<void> {
    await Promise.resolve();
    if (room === 'bad') throw new Error('left a bad room');
  }
}

@Injectable({ scope: Scope.REQUEST })
@MessagingGateway()
class ScopedGateway implements OnRoomJoined, OnRoomLeft {
  readonly #rooms: string[] = [];

  constructor(private readonly calls: Calls) {}

  onRoomJoined(_: Session, room: string): void {
    this.#rooms.push(room);
  }

  async onRoomLeft(): Promise<void> {
    await this.calls.record(`scoped: ${this.#rooms.join(' ')}`);
  }
}

@Module({ providers: [Calls, RecordingGateway, FailingGateway] })
class HooksModule {}

@Module({ providers: [Calls, ScopedGateway] })
class ScopedModule {}

describe('the hooks of rooms', () => {
  let server: TestServer;
  let calls: Calls;
  let counters: Counters;
  const lines = keepLogLines();

  const start = async (module: new () => object, variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', ...variables }, [module] as never);
    calls = server.app.get(Calls, { strict: false });
    counters = server.app.get(Counters, { strict: false });
  };
  /** Connects a client under a name. */
  const visit = async (name: string): Promise<Client> => {
    const client = await server.connect();
    server.app.get(RecordingGateway, { strict: false }).names.set(client.id, name);
    calls.list.length = 0;
    return client;
  };
  const sessionOf = ({ id }: Client): Session => server.app.get(Switchboard, { strict: false }).find(id)!;
  const until = async (...expected: string[]): Promise<void> => {
    await expect.poll(() => calls.list).toEqual(expected);
  };

  beforeEach(() => start(HooksModule));
  afterEach(() => server.stop());

  it('run when a session joins and leaves by its own requests', async () => {
    const ann = await visit('ann');
    for (const type of ['sys.join', 'sys.join', 'sys.leave', 'sys.leave']) ann.send({ type, receiver: '#garden' });
    await until('ann: joined garden', 'ann: left garden');
  });

  it('run when server code puts a session into a room and takes it out', async () => {
    const ann = await visit('ann');
    const rooms = server.app.get(Rooms, { strict: false });
    await rooms.join(sessionOf(ann), 'garden');
    await rooms.leave(ann.id, 'garden');
    await until('ann: joined garden', 'ann: left garden');
  });

  it('run for each room of a session that has ended, with the code, and before its departure hooks', async () => {
    const ann = await visit('ann');
    for (const room of ['a', 'b']) await ann.request('sys.join', undefined, { receiver: `#${room}` });
    calls.list.length = 0;
    const gate = calls.hold('ann: left a by 4200');
    await ann.close(4200);
    await until('ann: left a by 4200');
    expect(counters.departureHooksRunning).toBeGreaterThan(0);
    gate.resolve();
    await until('ann: left a by 4200', 'ann: left a by 4200, settled', 'ann: left b by 4200', 'ann: departure by 4200');
    await expect.poll(() => counters.departureHooksRunning).toBe(0);
  });

  it('of one session wait for each other, and those of others do not', async () => {
    const ann = await visit('ann');
    const bob = await visit('bob');
    const gate = calls.hold('ann: joined garden');
    ann.send({ type: 'sys.join', receiver: '#garden' });
    ann.send({ type: 'sys.leave', receiver: '#garden' });
    await ann.settled();
    bob.send({ type: 'sys.join', receiver: '#garden' });
    await until('ann: joined garden', 'bob: joined garden');
    gate.resolve();
    await until('ann: joined garden', 'bob: joined garden', 'ann: joined garden, settled', 'ann: left garden');
  });

  it('wait for the arrival hook of the session', async () => {
    await visit('bob');
    const gate = calls.hold('new: arrival');
    const ann = await server.connect();
    ann.send({ type: 'sys.join', receiver: '#garden' });
    await ann.settled();
    expect(calls.list).toEqual(['new: arrival']);
    gate.resolve();
    await until('new: arrival', 'new: arrival, settled', 'new: joined garden');
  });

  it('do not wait any more once more than 64 of a session wait', async () => {
    const ann = await visit('ann');
    calls.hold('ann: joined a');
    ann.send({ type: 'sys.join', receiver: '#a' });
    for (let count = 0; count < 32; count++)
      for (const type of ['sys.join', 'sys.leave']) ann.send({ type, receiver: '#b' });
    await ann.settled();
    expect(calls.list).toEqual(['ann: joined a']);
    ann.send({ type: 'sys.join', receiver: '#c' });
    const between = Array.from({ length: 32 }, () => ['ann: joined b', 'ann: left b']).flat();
    await until('ann: joined a', ...between, 'ann: joined c');
  });

  it('are logged where they fail, and change nothing', async () => {
    const ann = await visit('ann');
    await ann.request('sys.join', undefined, { receiver: '#bad' });
    ann.send({ type: 'sys.leave', receiver: '#bad' });
    await until('ann: joined bad', 'ann: left bad');
    const failed = (text: string): string[] =>
      lines.filter((line) => line.includes(text)).map((line) => /hook=\S+/.exec(line)?.[0] ?? '');
    await expect.poll(() => failed('left a bad room')).toEqual(['hook=FailingGateway.onRoomLeft']);
    expect(failed('joined a bad room')).toEqual(['hook=FailingGateway.onRoomJoined']);
    await ann.settled();
  });

  it('that take too long are logged, and the next one runs', async () => {
    await server.stop();
    await start(HooksModule, { HANDLER_TIMEOUT_MS: '100' });
    const ann = await visit('ann');
    calls.hold('ann: joined a');
    for (const room of ['a', 'b']) ann.send({ type: 'sys.join', receiver: `#${room}` });
    await until('ann: joined a', 'ann: joined b');
    const late = lines.filter((line) => line.includes('room hook exceeded HANDLER_TIMEOUT_MS'));
    expect(late.map((line) => /hook=\S+/.exec(line)?.[0])).toEqual(['hook=RecordingGateway.onRoomJoined']);
  });

  it('run on the instance of a scoped gateway that belongs to the session', async () => {
    await server.stop();
    await start(ScopedModule);
    const [ann, bob] = [await server.connect(), await server.connect()];
    await ann.request('sys.join', undefined, { receiver: '#a' });
    await bob.request('sys.join', undefined, { receiver: '#b' });
    await ann.close();
    await bob.close();
    await expect.poll(() => calls.list.toSorted()).toEqual(['scoped: a', 'scoped: b']);
  });
});
