import { Injectable, Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OnGatewayConnection, OnGatewayDisconnect } from '@nestjs/websockets';
import {
  MessagingGateway,
  type OnSessionArrival,
  type OnSessionAway,
  type OnSessionBack,
  type OnSessionDeparture,
  type Session,
  type SessionReturn,
} from '../../src/index.js';
import { startServer, type TestServer } from '../support/server.js';

@Injectable()
class Calls {
  readonly list: string[] = [];
  readonly sessions = new Set<Session>();
  readonly sockets = new Set<unknown>();
}

@MessagingGateway()
class RecordingGateway
  implements
    OnSessionArrival,
    OnSessionAway,
    OnSessionBack,
    OnSessionDeparture,
    OnGatewayConnection,
    OnGatewayDisconnect
{
  constructor(private readonly calls: Calls) {}

  onSessionArrival(session: Session): void {
    this.#record(session, 'arrival');
  }

  onSessionAway(session: Session, code: number): void {
    this.#record(session, `away ${code} ${session.state}`);
  }

  onSessionBack(session: Session, { awayMs, restarted }: SessionReturn): void {
    this.#record(session, `back ${typeof awayMs} ${restarted} ${session.state}`);
  }

  onSessionDeparture(session: Session, code: number): void {
    this.#record(session, `departure ${code}`);
  }

  handleConnection(socket: object): void {
    this.calls.sockets.add(socket);
    this.calls.list.push('connection');
  }

  handleDisconnect(): void {
    this.calls.list.push('disconnect');
  }

  #record(session: Session, call: string): void {
    this.calls.sessions.add(session);
    this.calls.list.push(call);
  }
}

@Module({ providers: [Calls, RecordingGateway] })
class RecordingModule {}

describe('the hooks of a session that resumes', () => {
  let server: TestServer;
  let calls: Calls;
  beforeEach(async () => {
    server = await startServer({}, [RecordingModule]);
    calls = server.app.get(Calls, { strict: false });
  });
  afterEach(() => server.stop());

  it('run once for its arrival and departure, and for each connection, loss and return', async () => {
    const ann = await server.connect({ protocols: ['switchboard.v1', 'resume'] });
    const { token } = (ann.welcome.data as { resume: { token: string } }).resume;
    ann.terminate();
    await expect.poll(() => calls.list).toContain('disconnect');
    const back = await server.connect({ protocols: ['switchboard.v1', `resume.${token}.0`] });
    expect(back.id).toBe(ann.id);
    await back.close(1000);
    await expect.poll(() => calls.list.filter((call) => call === 'disconnect')).toHaveLength(2);
    const [arrival, ...others] = calls.list;
    expect([arrival, ...others.slice(0, 1)]).toEqual(['arrival', 'connection']);
    expect(others.filter((call) => call !== 'disconnect').slice(1)).toEqual([
      'away 1006 away',
      'back number false open',
      'connection',
      'departure 1000',
    ]);
    expect([calls.sessions.size, calls.sockets.size]).toEqual([1, 2]);
  });

  it('are not called for the lost connection of a plain session', async () => {
    const ann = await server.connect();
    ann.terminate();
    await expect.poll(() => calls.list).toContain('disconnect');
    expect(calls.list.toSorted()).toEqual(['arrival', 'connection', 'departure 1006', 'disconnect']);
  });
});
