import { describe, expectTypeOf, it } from 'vitest';
import type { Ack, Client, Envelope, MembersPage, Presence, SessionEntry } from '../../packages/client/src/connect.js';

interface Messages {
  'dice.roll': { request: { sides: number }; answer: { rolled: number } };
  'dice.reset': { request: undefined };
  'job.run': { request: { name: string }; stream: { percent: number } };
  'group.say': { request: { text: string }; answer: { id: number }; message: { from: string } };
  chat: { message: { text: string } };
  'poll.opened': { notice: { question: string } };
  'tree.grown': { request: number; answer: string; notice: { leaves: number } };
}

/** Never called, because the compiler makes the checks: `npm run typecheck` fails where one is wrong. */
function typed(client: Client<Messages>): void {
  expectTypeOf(client.request('dice.roll', { sides: 6 })).toEqualTypeOf<Promise<{ rolled: number }>>();
  expectTypeOf(client.request('dice.reset')).toEqualTypeOf<Promise<undefined>>();
  expectTypeOf(client.request('group.say', { text: 'hi' }, { timeoutMs: 5 })).toEqualTypeOf<Promise<{ id: number }>>();
  expectTypeOf(client.send('*', 'chat', { text: 'hi' })).toEqualTypeOf<Promise<Ack>>();
  expectTypeOf(client.send(undefined, 'group.say', { text: 'hi' })).toEqualTypeOf<Promise<Ack>>();
  expectTypeOf(client.send(client.id, 'group.say', { from: 'ann' })).toEqualTypeOf<Promise<Ack>>();
  expectTypeOf(client.post('*', 'chat', { text: 'hi' })).toEqualTypeOf<boolean>();
  expectTypeOf(client.post(undefined, 'job.run', { name: 'a' })).toEqualTypeOf<boolean>();
  client.on('chat', (envelope) => expectTypeOf(envelope).toEqualTypeOf<Envelope<{ text: string }>>());
  client.on('job.run', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ percent: number }>());
  client.on('group.say', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ from: string } | { id: number }>());
  client.on('poll.opened', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ question: string }>());
  client.on('tree.grown', ({ data }) => expectTypeOf(data).toEqualTypeOf<string | { leaves: number }>());
  expectTypeOf(client.request('tree.grown', 1)).toEqualTypeOf<Promise<string>>();
  client.on('sys.departed', ({ data }) => expectTypeOf(data.code).toEqualTypeOf<number>());
  client.on('sys.left', ({ data }) => expectTypeOf(data.code).toEqualTypeOf<number | undefined>());
  client.on('sys.presence', ({ data }) => expectTypeOf(data).toEqualTypeOf<Presence>());
  expectTypeOf(client.join('garden')).toEqualTypeOf<Promise<MembersPage>>();
  expectTypeOf(client.members('garden', { limit: 5 })).toEqualTypeOf<Promise<SessionEntry[]>>();
  expectTypeOf(client.watch('ann', { timeoutMs: 5 })).toEqualTypeOf<Promise<Presence>>();
  expectTypeOf(client.send('#garden', 'chat', { text: 'hi' })).toEqualTypeOf<Promise<Ack>>();
  client.on('*', ({ data }) => expectTypeOf(data).toEqualTypeOf<unknown>());

  // @ts-expect-error the data is missing
  void client.request('dice.roll');
  // @ts-expect-error the data is of another type
  void client.request('dice.roll', { sides: 'six' });
  // @ts-expect-error not a type of this application
  void client.request('dice.rol', { sides: 6 });
  // @ts-expect-error the handler streams its answers
  void client.request('job.run', { name: 'a' });
  // @ts-expect-error no handler claims the type
  void client.request('chat', { text: 'hi' });
  // @ts-expect-error the handler answers once
  client.stream('dice.roll', { sides: 6 });
  // @ts-expect-error the data is missing
  client.stream('job.run');
  // @ts-expect-error only a handler gets the type
  void client.send('*', 'dice.roll', { sides: 6 });
  // @ts-expect-error only a session gets the type
  void client.send(undefined, 'chat', { text: 'hi' });
  // @ts-expect-error the data is missing
  void client.send('*', 'chat');
  // @ts-expect-error the data is that of the request
  void client.send('*', 'group.say', { text: 'hi' });
  // @ts-expect-error the data is missing
  client.post('*', 'chat');
  // @ts-expect-error only the server sends the type
  void client.send('*', 'poll.opened', { question: 'Tea?' });
  // @ts-expect-error only the server sends the type
  void client.send(undefined, 'poll.opened', { question: 'Tea?' });
  // @ts-expect-error only the server sends the type
  client.post('*', 'poll.opened', { question: 'Tea?' });
  // @ts-expect-error only the server sends the type
  void client.request('poll.opened', { question: 'Tea?' });
  // @ts-expect-error only the server sends the type
  client.stream('poll.opened', { question: 'Tea?' });
  // @ts-expect-error only a handler gets the type
  void client.send('*', 'tree.grown', { leaves: 1 });
  // @ts-expect-error only a handler gets the type
  void client.send('#garden', 'dice.roll', { sides: 6 });
  // @ts-expect-error nobody sends the type to a client
  client.on('dice.reset', () => undefined);
  // @ts-expect-error not a type of this application
  client.on('chatt', () => undefined);
}

async function streams(client: Client<Messages>): Promise<void> {
  for await (const value of client.stream('job.run', { name: 'a' }, { bufferSize: 8 }))
    expectTypeOf(value).toEqualTypeOf<{ percent: number }>();
}

interface DataAlone {
  offer: { text: string };
  cursor: [number, number];
  bye: undefined;
}

/** Maps each type to its data, as before there were requests. */
function dataAlone(client: Client<DataAlone>): void {
  void client.send('*', 'offer', { text: 'hi' });
  void client.send(undefined, 'offer', { text: 'hi' });
  void client.send('*', 'bye');
  client.post('*', 'cursor', [1, 2]);
  client.on('offer', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ text: string }>());
  expectTypeOf(client.request('offer', { text: 'hi' })).toEqualTypeOf<Promise<unknown>>();
  // @ts-expect-error the text is missing
  void client.send('*', 'offer', {});
}

/** Accepts every type and every data, where the application declares none. */
function untyped(client: Client): void {
  void client.send('*', 'any.type', { any: 'data' });
  void client.send(client.id, 'any.type');
  client.post(undefined, 'any.type', 1);
  client.on('any.type', ({ data }) => expectTypeOf(data).toEqualTypeOf<unknown>());
  expectTypeOf(client.request('any.type', 1)).toEqualTypeOf<Promise<unknown>>();
  expectTypeOf(client.stream('any.type')).toEqualTypeOf<AsyncIterableIterator<unknown, undefined>>();
}

describe('the types of messages', () => {
  it('keep requests, streams and messages apart', () => {
    expectTypeOf(typed).toBeFunction();
    expectTypeOf(streams).toBeFunction();
    expectTypeOf(dataAlone).toBeFunction();
    expectTypeOf(untyped).toBeFunction();
  });
});
