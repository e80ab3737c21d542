import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SERVER, Switchboard } from '../../src/index.js';
import type { Session } from '../../src/sessions/session.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

const CIRCLE: Record<string, unknown> = {};
CIRCLE['self'] = CIRCLE;

describe('what the application sends', () => {
  let server: TestServer;
  let switchboard: Switchboard;
  let ann: Client;
  let bob: Client;
  let session: Session;

  beforeEach(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off' });
    switchboard = server.app.get(Switchboard, { strict: false });
    [ann, bob] = [await server.connect(), await server.connect()];
    session = switchboard.find(ann.id)!;
  });
  afterEach(() => server.stop());

  /** Every way to send; each must throw, or reject, for what cannot be a message. */
  const ways: Readonly<Record<string, (sender: unknown, receiver: unknown, type: unknown, data: unknown) => unknown>> =
    {
      send: (sender, receiver, type, data) =>
        switchboard.send(sender as typeof SERVER, receiver as string, type as string, data),
      deliver: (sender, receiver, type, data) =>
        switchboard.deliver(sender as typeof SERVER, receiver as string, type as string, data),
      multicast: (sender, receiver, type, data) =>
        switchboard.multicast(sender as typeof SERVER, [receiver as string], type as string, data),
      broadcast: (sender, _, type, data) => switchboard.broadcast(sender as typeof SERVER, type as string, data),
    };
  const thrown = async (way: string, ...values: [unknown, unknown, unknown, unknown?]): Promise<unknown> => {
    try {
      await ways[way]!(values[0], values[1], values[2], values[3]);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  /** Nothing has reached a client, and both go on. */
  const expectNothingSent = async (): Promise<void> => {
    await Promise.all([ann.settled(), bob.settled()]);
    expect([...ann.inbox, ...bob.inbox]).toEqual([]);
  };

  it.each<[string, unknown, RegExp]>([
    ['a big integer', 5n, /data of "news" cannot be encoded: .*BigInt/],
    ['a circle', CIRCLE, /data of "news" cannot be encoded: .*circular/],
    ['a function', () => 5, /data of "news" cannot be encoded: a function has no JSON/],
    ['a symbol', Symbol('s'), /a symbol has no JSON/],
    ['a value whose toJSON returns nothing', { toJSON: () => undefined }, /an object \(Object\) has no JSON/],
    [
      'a value whose toJSON throws',
      {
        toJSON: () => {
          throw new Error('no JSON of mine');
        },
      },
      /data of "news" cannot be encoded: .*no JSON of mine/,
    ],
  ])('is refused at the call where its data is %s', async (_, data, text) => {
    for (const way of Object.keys(ways)) {
      const error = await thrown(way, SERVER, bob.id, 'news', data);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(text);
    }
    await expectNothingSent();
  });

  it.each([undefined, null, 0, 5n, '', 'two words', 'sys.ack', {}, ['chat'], 'x'.repeat(65)])(
    'is refused at the call where its type is %s',
    async (type) => {
      for (const way of Object.keys(ways))
        expect(await thrown(way, SERVER, bob.id, type, 1)).toMatchObject({
          name: 'TypeError',
          message: expect.stringContaining('which no application message may have as its type') as string,
        });
      await expectNothingSent();
    },
  );

  it('is refused at the call where its receiver or its sender is of another kind', async () => {
    for (const receiver of [undefined, null, 5, session, {}, ['*']])
      for (const way of ['send', 'deliver'])
        expect(await thrown(way, SERVER, receiver, 'news')).toMatchObject({
          message: expect.stringContaining(`a session's id or "*", "@USER" or "#ROOM"`) as string,
        });
    for (const sender of [undefined, null, 5, ann.id, 'server/other', {}, session.connection])
      for (const way of Object.keys(ways))
        expect(await thrown(way, sender, bob.id, 'news')).toMatchObject({
          message: expect.stringContaining('must be a Session or SERVER') as string,
        });
    expect(() => switchboard.close(session as never)).toThrow(TypeError);
    await expectNothingSent();
  });

  it('is refused by session.send where it is not an encoded frame', async () => {
    const frames = [
      'text',
      '{"type":"x"}',
      {},
      5,
      undefined,
      null,
      Buffer.from('{"type":"x"}'),
      Buffer.from('é'),
      Buffer.alloc(0),
    ];
    for (const value of frames) expect(() => session.send(value as never)).toThrow(/use Switchboard\.send/);
    await expectNothingSent();
  });

  it('arrives as JSON holds it', async () => {
    const values = [undefined, null, 0, 'é', [1], { a: undefined, b: 'x' }, new Date(0), { toJSON: () => 'mine' }];
    for (const value of values) switchboard.send(session, bob.id, 'news', value);
    for (const value of values) {
      const { data, sender } = await bob.next('news');
      expect(sender).toBe(ann.id);
      expect(data).toEqual(value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
    }
    switchboard.send(SERVER, bob.id, 'news', '"}');
    expect(bob.frames.every((text) => JSON.parse(text) !== undefined)).toBe(true);
    expect(() => switchboard.send(SERVER, '"}', 'news')).toThrow('No session has this id.');
  });

  it('is not sent for a session that has left', async () => {
    await ann.close();
    await bob.next('sys.departed');
    switchboard.send(session, bob.id, 'news', 1);
    expect(switchboard.broadcast(session, 'news', 1)).toBe(0);
    expect(() => session.send(Buffer.from('text') as never)).toThrow(TypeError);
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });

  it('leaves no socket open without a session after terminate() and close() in any order', async () => {
    const socket = session.connection as GatewaySocket;
    socket.terminate();
    socket.close(4000);
    expect(() => socket.close(999)).toThrow(RangeError);
    socket.terminate();
    expect((await ann.closed).code).toBe(1006);
    expect(await bob.next('sys.departed')).toMatchObject({ sender: ann.id });
    const other = switchboard.find(bob.id)!.connection as GatewaySocket;
    other.close(3000, Buffer.from('byé'));
    other.close(4000);
    other.terminate();
    await bob.closed;
    expect(switchboard.list().total).toBe(0);
  });
});
