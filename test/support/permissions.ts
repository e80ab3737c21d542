import { Injectable, Module } from '@nestjs/common';
import { RoomIndex } from '../../src/groups/room-index.js';
import { Rooms } from '../../src/groups/rooms.js';
import { AccessPolicy, type SendVerdict } from '../../src/messaging/access-policy.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import type { Session } from '../../src/sessions/session.js';
import type { Client } from './client.js';
import type { TestServer } from './server.js';
import { bearer, SECRET, token } from './tokens.js';

/** Settings of a server that reads tokens, without notices that would come between. */
export const WITH_TOKENS = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', AUTH: 'optional', AUTH_SECRET: SECRET };
export const OPEN = { ROOMS: 'open', USERS: 'open' };
export const OFF = { ROOMS: 'off', USERS: 'off' };

/** Makes a token of a user, with this claim `switchboard` unless it is `undefined`. */
const tokenOf = (sub: string, claim?: unknown): Promise<string> =>
  token({ sub, claims: claim === undefined ? {} : { switchboard: claim } });

/** Connects as a user; without a token where `sub` is empty. */
export async function connectAs(server: TestServer, sub: string, claim?: unknown): Promise<Client> {
  return server.connect(sub === '' ? {} : bearer(await tokenOf(sub, claim)));
}

/** Sends a request or a message, and returns `yes` or the code of the error. */
export async function outcome(client: Client, type: string, receiver: string): Promise<string> {
  client.send({ type, receiver, id: 'ask' });
  const { type: answer, data } = await client.answer('ask');
  return answer === 'sys.error' ? (data as { code: string }).code : 'yes';
}

/** Renews the token of a client. Returns the answer. */
export async function renew(client: Client, sub: string, claim?: unknown): Promise<string> {
  client.send({ type: 'sys.auth', id: 'renew', data: { token: await tokenOf(sub, claim) } });
  return (await client.answer('renew')).type;
}

/** Returns the rooms of all clients. */
export const roomIndex = ({ app }: TestServer): RoomIndex => app.get(RoomIndex, { strict: false });

export const sessionOf = ({ app }: TestServer, { id }: Client): Session =>
  app.get(Switchboard, { strict: false }).find(id)!;

/** Puts a client into a room by server code, whatever its rights. */
export async function putInto(server: TestServer, client: Client, room: string): Promise<void> {
  const rooms = server.app.get(Rooms, { strict: false });
  const isMember = rooms.of(sessionOf(server, client)).includes(room);
  await rooms.join(client.id, room);
  if (!isMember) await client.next('sys.members');
}

/** A policy that answers as the test says. */
@Injectable()
export class TestPolicy extends AccessPolicy {
  readonly asked: string[] = [];
  /** Verdicts by method and receiver or room. By default all is allowed but messages from outside. */
  readonly verdicts = new Map<string, () => unknown>();

  override maySend(session: Session, receiver: string): SendVerdict {
    return this.#verdict(session, 'maySend', receiver) as SendVerdict;
  }

  override mayJoin(session: Session, room: string): boolean | Promise<boolean> {
    return this.#verdict(session, 'mayJoin', room) as boolean;
  }

  override maySee(session: Session, target: string): boolean | Promise<boolean> {
    return this.#verdict(session, 'maySee', target) as boolean;
  }

  override maySendFromOutside(session: Session, room: string): boolean {
    return this.#verdict(session, 'maySendFromOutside', room) as boolean;
  }

  #verdict({ user = 'nobody' }: Session, method: string, about: string): unknown {
    this.asked.push(`${user} ${method} ${about}`);
    const verdict = this.verdicts.get(`${method} ${about}`);
    return verdict === undefined ? method !== 'maySendFromOutside' : verdict();
  }
}

@Module({ providers: [{ provide: AccessPolicy, useClass: TestPolicy }] })
export class TestPolicyModule {}

export const policyOf = ({ app }: TestServer): TestPolicy =>
  app.get<AccessPolicy, TestPolicy>(AccessPolicy, { strict: false });

/** Throws, where an expression is needed. */
export function fail(error: Error): never {
  throw error;
}
