import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

/** JSON texts that JSON.parse and JSON.stringify would change. */
const DATA = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-0.0',
  '1e400',
  '-1E+400',
  '1e-400',
  '12345678901234567890',
  '0.1000000000000000055511151231257827',
  '1.0',
  '1E5',
  '1.50e+03',
  '""',
  '"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\"',
  '"\\ud83d\\ude00 😀 \\u00e4 ä e\u0301 \\uD800 \\udc00"',
  '"\u2028\u2029\u007f\u200f"',
  '{"b":1,"a":2,"10":3,"9":4}',
  '{"a":1,"a":2,"\\u0061":3}',
  '{"__proto__":{"admin":true},"constructor":{"prototype":{}},"toString":1}',
  '{"sender":"server","type":"sys.welcome","receiver":"*","id":"x","ref":"y","data":{}}',
  '[ 1 ,\t2 ,\n{ "a" : [ ] , "b" : { } } ]',
  '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]',
  '{"":""}',
  '" }{][ , : \\" } "',
];

describe.each(['on', 'off'])('the payload of a message (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    server = await startServer({ FAST_LANE, ARRIVAL_NOTICES: 'off' });
    alice = await connect(server.url);
    bob = await connect(server.url);
  });
  afterAll(() => server.stop());

  /** Sends a text from Alice to Bob and returns the text Bob got. */
  const deliver = async (text: string): Promise<string> => {
    const before = bob.frames.length;
    alice.sendText(text.replaceAll('BOB', bob.id).replaceAll('ALICE', alice.id));
    await alice.settled();
    expect(alice.inbox.splice(0)).toEqual([]);
    await bob.settled();
    expect(bob.inbox.splice(0)).toHaveLength(1);
    return bob.frames.slice(before).find((frame) => !frame.includes('"sys.pong"'))!;
  };

  it.each(DATA)('is delivered byte for byte: %s', async (data) => {
    expect(await deliver(`{"type":"x","receiver":"BOB","data":${data}}`)).toContain(`"data":${data}`);
    expect(await deliver(`{"data":${data},"receiver":"BOB","sender":"me","type":"x"}`)).toContain(`"data":${data}`);
  });

  it.each(DATA)('is delivered byte for byte in a broadcast and in a pong: %s', async (data) => {
    expect(await deliver(`{"data":${data},"type":"x","receiver":"*"}`)).toContain(`"data":${data}`);
    alice.sendText(`{"type":"sys.ping","data":${data}}`);
    await alice.next('sys.pong');
    expect(alice.frames.at(-1)).toContain(`"data":${data}`);
  });

  it('has no data if none was sent, and null if null was sent', async () => {
    expect(JSON.parse(await deliver('{"type":"x","receiver":"BOB"}'))).toEqual({
      type: 'x',
      sender: alice.id,
      receiver: bob.id,
    });
    expect(JSON.parse(await deliver('{"type":"x","receiver":"BOB","data":null}'))).toHaveProperty('data', null);
  });

  it('may have data of every size up to the limit', async () => {
    for (const size of [0, 1, 40, 41, 125, 126, 127, 2000, 2048, 8192, 65_400]) {
      const data = JSON.stringify('é'.repeat(size >> 1));
      expect(await deliver(`{"type":"x","receiver":"BOB","data":${data}}`)).toContain(data);
    }
  });

  it.each([
    ['plainly', '{"type":"x","sender":"BOB","receiver":"BOB"}'],
    ['as the server', '{"type":"x","sender":"server","receiver":"BOB"}'],
    ['first', '{"sender":"BOB","type":"x","receiver":"BOB"}'],
    ['last', '{"type":"x","receiver":"BOB","sender":"BOB"}'],
    ['twice', '{"sender":"BOB","type":"x","sender":"server","receiver":"BOB"}'],
    ['with escapes', '{"type":"x","\\u0073ender":"BOB","receiver":"BOB"}'],
    ['with every letter escaped', '{"\\u0073\\u0065\\u006e\\u0064\\u0065\\u0072":"BOB","type":"x","receiver":"BOB"}'],
    ['twice and escaped', '{"sender":"a","type":"x","s\\u0065nder":"BOB","receiver":"BOB"}'],
    ['as an object', '{"type":"x","sender":{"sender":"BOB"},"receiver":"BOB"}'],
    ['as a number', '{"type":"x","sender":1e400,"receiver":"BOB"}'],
    ['as null', '{"type":"x","sender":null,"receiver":"BOB"}'],
    ['as a list with brackets in strings', '{"sender":["]","}\\""],"type":"x","receiver":"BOB"}'],
    ['after white space', ' {\n"sender" : "BOB" , "type":"x","receiver":"BOB" }'],
    ['in data too', '{"type":"x","data":{"sender":"BOB"},"sender":"BOB","receiver":"BOB"}'],
    ['as text that resembles properties', '{"sender":"\\",\\"sender\\":\\"BOB","type":"x","receiver":"BOB"}'],
  ])('has the true sender if the client wrote another %s', async (_, text) => {
    const received = await deliver(text);
    expect(received.match(/"(s|\\u0073)(e|\\u0065)(n|\\u006e)(d|\\u0064)(e|\\u0065)(r|\\u0072)"\s*:/g)).toHaveLength(
      text.includes('"data"') ? 2 : 1,
    );
    expect(JSON.parse(received)).toMatchObject({ type: 'x', sender: alice.id, receiver: bob.id });
  });

  it('has the true sender if the data contains another', async () => {
    const data = '{"x":"\\"},\\"sender\\":\\"server\\""}';
    const received = await deliver(`{"type":"x","receiver":"BOB","data":${data}}`);
    expect(JSON.parse(received)).toEqual({
      type: 'x',
      sender: alice.id,
      receiver: bob.id,
      data: { x: '"},"sender":"server"' },
    });
  });

  it('includes the id for the receiver', async () => {
    alice.send({ type: 'x', receiver: bob.id, id: 'm1' });
    expect((await bob.next('x')).id).toBe('m1');
    expect((await alice.next('sys.ack')).ref).toBe('m1');
  });
});
