import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessPolicy, Switchboard } from 'switchboard';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { AUTH, bearer, token } from '../../test/support/tokens.js';
import { Projects } from './projects.js';
import { RoomPolicy } from './room-policy.js';

@Module({ providers: [Projects, { provide: AccessPolicy, useClass: RoomPolicy }] })
class PolicyModule {}

describe('the rooms of projects', () => {
  let app: TestServer;
  let projects: Projects;
  let ann: Client;
  let bob: Client;

  beforeEach(async () => {
    app = await startServer({ ...AUTH, ARRIVAL_NOTICES: 'off' }, [PolicyModule]);
    projects = app.app.get(Projects, { strict: false });
    for (const user of ['ann', 'bob']) projects.add('7', user);
    [ann, bob] = [await connectAs('ann'), await connectAs('bob')];
  });
  afterEach(() => app.stop());

  const connectAs = async (sub: string): Promise<Client> => app.connect(bearer(await token({ sub })));
  const answerTo = async (client: Client, type: string, receiver: string): Promise<string> => {
    client.send({ type, receiver, id: 'a', data: type === 'chat' ? 'hello' : undefined });
    const { type: answer, data } = await client.answer('a');
    return answer === 'sys.error' ? (data as { code: string }).code : answer;
  };

  it('are open to the members that the database names', async () => {
    const eve = await connectAs('eve');
    for (const member of [ann, bob]) expect(await answerTo(member, 'sys.join', '#project.7')).toBe('sys.members');
    expect(await answerTo(ann, 'chat', '#project.7')).toBe('sys.ack');
    expect(await bob.next('chat')).toMatchObject({ sender: ann.id, receiver: '#project.7', data: 'hello' });
    expect(await answerTo(bob, 'sys.who', '#project.7')).toBe('sys.members');
    for (const type of ['sys.join', 'sys.who', 'chat'])
      expect(await answerTo(eve, type, '#project.7')).toBe('forbidden');
    for (const receiver of ['#project.8', '#lobby', '@bob', bob.id, '*'])
      expect(await answerTo(ann, 'chat', receiver)).toBe('forbidden');
  });

  it('cost the database one question for each join, and none for a message', async () => {
    await answerTo(ann, 'sys.join', '#project.7');
    for (let message = 0; message < 10; message++) await answerTo(ann, 'chat', '#project.7');
    expect(projects.queries).toBe(1);
  });

  it('are left at once by a member whose rights are revoked', async () => {
    for (const member of [ann, bob]) await answerTo(member, 'sys.join', '#project.7');
    expect(await answerTo(bob, 'chat', '#project.7')).toBe('sys.ack');
    projects.remove('7', 'bob');
    const policy = app.app.get<AccessPolicy, RoomPolicy>(AccessPolicy, { strict: false });
    await policy.revoke(app.app.get(Switchboard, { strict: false }).find(bob.id)!, '7');
    for (const client of [ann, bob])
      expect(await client.next('sys.left')).toMatchObject({ sender: bob.id, receiver: '#project.7' });
    for (const type of ['sys.join', 'chat']) expect(await answerTo(bob, type, '#project.7')).toBe('forbidden');
  });

  it('are left when the token is renewed and the database has changed', async () => {
    for (const member of [ann, bob]) await answerTo(member, 'sys.join', '#project.7');
    projects.remove('7', 'bob');
    bob.send({ type: 'sys.auth', data: { token: await token({ sub: 'bob' }) } });
    expect(await ann.next('sys.left')).toMatchObject({ sender: bob.id, receiver: '#project.7' });
    expect((await bob.next('sys.left')).sender).toBe(bob.id);
  });
});
