import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

/** 😀, one code point in two UTF-16 units and four bytes. */
const SMILE = '\u{1f600}';

describe.each(['on', 'off'])('the envelope (FAST_LANE=%s)', (lane) => {
  let server: TestServer;
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    server = await startServer({ FAST_LANE: lane, ARRIVAL_NOTICES: 'off' });
    alice = await connect(server.url);
    bob = await connect(server.url);
  });
  afterAll(() => server.stop());

  /** Sends a text and returns all answers to it. */
  const answers = async (text: string) => {
    alice.sendText(text);
    await alice.settled();
    await bob.settled();
    return alice.inbox.splice(0);
  };

  /** Sends a text and returns its only answer, a `sys.error`; no other session receives anything. */
  const fault = async (text: string): Promise<{ code: string; ref?: string; message: string }> => {
    const received = await answers(text);
    expect(received).toHaveLength(1);
    const [{ type, sender, receiver, data, ...ref }] = received as [(typeof received)[number]];
    expect({ type, sender, receiver }).toEqual({ type: 'sys.error', sender: 'server', receiver: alice.id });
    expect(bob.inbox).toEqual([]);
    return { ...ref, ...(data as { code: string; message: string }) };
  };
  const someText = expect.stringMatching(/./) as string;

  it.each([
    ['nothing', ''],
    ['a space', ' '],
    ['a word', 'hello'],
    ['a number', '12'],
    ['a string', '"{}"'],
    ['null', 'null'],
    ['a list', '[{"type":"x"}]'],
    ['two objects', '{"type":"x"}{"type":"x"}'],
    ['half an object', '{"type":"x"'],
    ['single quotes', "{'type':'x'}"],
    ['a comma too many', '{"type":"x",}'],
    ['a comment', '{"type":"x"/**/}'],
    ['a control character in a string', '{"type":"x","data":"\u0001"}'],
    ['a raw tab in a string', '{"type":"x","id":"a","data":"\t"}'],
    ['a leading zero', '{"type":"x","id":"a","data":01}'],
    ['a bare point', '{"type":"x","data":1.}'],
    ['NaN', '{"type":"x","data":NaN}'],
    ['a bad escape', '{"type":"x","data":"\\x"}'],
    ['a short escape', '{"type":"x","data":"\\u12"}'],
    ['a byte order mark', '\ufeff{"type":"x"}'],
    ['a no-break space', '\u00a0{"type":"x"}'],
    ['a zero byte at the end', '{"type":"x"}\u0000'],
  ])('that is %s is malformed_json', async (_, text) => {
    expect(await fault(text)).toEqual({ code: 'malformed_json', message: someText });
  });

  it.each([
    ['no type', '{"receiver":"BOB","id":"m"}', 'type'],
    ['a type of null', '{"type":null,"id":"m"}', 'type'],
    ['a number as type', '{"type":1,"id":"m"}', 'type'],
    ['a list as type', '{"type":["x"],"id":"m"}', 'type'],
    ['an empty type', '{"type":"","receiver":"BOB","id":"m"}', 'type'],
    ['a type of 65', `{"type":"${'a'.repeat(65)}","receiver":"BOB","id":"m"}`, 'type'],
    ['a space in its type', '{"type":"a b","receiver":"BOB","id":"m"}', 'type'],
    ['a newline behind its type', '{"type":"a\\n","receiver":"BOB","id":"m"}', 'type'],
    ['a slash in its type', '{"type":"a/b","receiver":"BOB","id":"m"}', 'type'],
    ['an umlaut in its type', '{"type":"ä","receiver":"BOB","id":"m"}', 'type'],
    ['a number as receiver', '{"type":"x","receiver":7,"id":"m"}', 'receiver'],
    ['a receiver of null', '{"type":"x","receiver":null,"id":"m"}', 'receiver'],
    ['a list as receiver', '{"type":"x","receiver":["BOB"],"id":"m"}', 'receiver'],
    ['an empty receiver', '{"type":"x","receiver":"","id":"m"}', 'receiver'],
    ['a receiver of 129', `{"type":"x","receiver":"${'r'.repeat(129)}","id":"m"}`, 'receiver'],
    ['a receiver of 129 code points', `{"type":"x","receiver":"${SMILE.repeat(129)}","id":"m"}`, 'receiver'],
    ['an unknown field', '{"type":"x","receiver":"BOB","extra":1,"id":"m"}', 'extra'],
    ['a field in capitals', '{"type":"x","receiver":"BOB","Data":1,"id":"m"}', 'Data'],
    ['__proto__ as a field', '{"type":"x","receiver":"BOB","__proto__":{},"id":"m"}', '__proto__'],
    ['constructor as a field', '{"type":"x","receiver":"BOB","constructor":1,"id":"m"}', 'constructor'],
    ['an empty field name', '{"type":"x","receiver":"BOB","":1,"id":"m"}', ''],
    ['a ref', '{"type":"x","receiver":"BOB","ref":"r","id":"m"}', 'ref'],
    ['a ref of null', '{"type":"x","receiver":"BOB","ref":null,"id":"m"}', 'ref'],
    ['a ref spelled with escapes', '{"type":"x","receiver":"BOB","\\u0072ef":"r","id":"m"}', 'ref'],
    ['two types', '{"type":"x","type":"x","receiver":"BOB","id":"m"}', 'type'],
    ['two types, one spelled with escapes', '{"\\u0074ype":"x","type":"y","receiver":"BOB","id":"m"}', 'type'],
    ['two receivers', '{"type":"x","receiver":"BOB","id":"m","receiver":"*"}', 'receiver'],
    ['two receivers, one escaped', '{"type":"x","receiver":"BOB","id":"m","\\u0072eceiver":"*"}', 'receiver'],
    ['two data', '{"type":"x","receiver":"BOB","id":"m","data":1,"data":1}', 'data'],
    ['two data, one escaped', '{"type":"x","receiver":"BOB","id":"m","data":1,"dat\\u0061":2}', 'data'],
  ])('with %s is invalid_message, with its id as ref', async (_, text, field) => {
    expect(await fault(text.replaceAll('BOB', bob.id))).toEqual({
      code: 'invalid_message',
      ref: 'm',
      message: expect.stringContaining(field) as string,
    });
  });

  it.each([
    ['a number as id', '{"type":"x","receiver":"BOB","id":1}'],
    ['an id of null', '{"type":"x","receiver":"BOB","id":null}'],
    ['an empty id', '{"type":"x","receiver":"BOB","id":""}'],
    ['an id of 65', `{"type":"x","receiver":"BOB","id":"${'i'.repeat(65)}"}`],
    ['an id of 65 code points', `{"type":"x","receiver":"BOB","id":"${SMILE.repeat(65)}"}`],
    ['two ids', '{"type":"x","receiver":"BOB","id":"a","id":"b"}'],
    ['two ids, one escaped', '{"type":"x","receiver":"BOB","id":"a","\\u0069d":"b"}'],
  ])('with %s is invalid_message without a ref', async (_, text) => {
    expect(await fault(text.replaceAll('BOB', bob.id))).toEqual({
      code: 'invalid_message',
      message: expect.stringMatching(/\bid\b/) as string,
    });
  });

  it.each([
    ['a type of one', 'x', 'm'],
    ['a type of 64', 'a'.repeat(64), 'm'],
    ['every character of a type', 'AZaz09._:-', 'm'],
    ['a type that only resembles a reserved one', 'sys', 'm'],
    ['SYS.', 'SYS.ack', 'm'],
    ['a prototype key as type', '__proto__', 'm'],
    ['an id of one', 'x', 'i'],
    ['an id of 64', 'x', 'i'.repeat(64)],
    ['an id of 64 code points', 'x', SMILE.repeat(64)],
    ['an id of quotes, newlines and zero', 'x', '"\\\n\u0000\u2028'],
    ['an id with a lone surrogate', 'x', '\ud800'],
    ['a variation selector in its id', 'x', '\ufe0f'],
  ])('may have %s', async (_, type, id) => {
    const received = await answers(JSON.stringify({ type, receiver: bob.id, id }));
    expect(received).toEqual([
      { type: 'sys.ack', sender: 'server', receiver: alice.id, ref: id, data: { status: 'routed' } },
    ]);
    expect(bob.inbox.splice(0)).toEqual([{ type, sender: alice.id, receiver: bob.id, id }]);
  });

  it.each([
    ['128', 'r'.repeat(128)],
    ['128 code points', SMILE.repeat(128)],
    ['one that begins with @', '@room'],
    ['one that begins with *', '**'],
    ['the word server', 'server'],
    ['a prototype key', '__proto__'],
    ['the id with a space', 'BOB '],
  ])('to a receiver of %s is receiver_not_found', async (_, receiver) => {
    const text = JSON.stringify({ type: 'x', receiver: receiver.replace('BOB', bob.id), id: 'm' });
    expect(await fault(text)).toEqual({ code: 'receiver_not_found', ref: 'm', message: someText });
  });

  it('may spell its own fields with escapes', async () => {
    const [first = '', ...others] = bob.id;
    const escaped = `\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}${others.join('')}`;
    const text = `{"\\u0074ype":"\\u0078","receiver":"${escaped}","\\u0069d":"\\u006d"}`;
    expect(await answers(text)).toMatchObject([{ type: 'sys.ack', ref: 'm', data: { status: 'routed' } }]);
    expect(bob.inbox.splice(0)).toEqual([{ type: 'x', sender: alice.id, receiver: bob.id, id: 'm' }]);
  });

  it.each([' \n\t\r{"type":"x","receiver":"BOB","id":"m"}', '{ "type" : "x" ,\n"receiver":"BOB"\t,"id":"m" } \n'])(
    'may have white space around its parts: %j',
    async (text) => {
      expect(await answers(text.replace('BOB', bob.id))).toMatchObject([{ type: 'sys.ack', ref: 'm' }]);
      expect(bob.inbox.splice(0)).toEqual([{ type: 'x', sender: alice.id, receiver: bob.id, id: 'm' }]);
    },
  );

  it('is answered at any length and depth, up to the last byte', async () => {
    const before = `{"type":"x","receiver":"${bob.id}","id":"m","data":`;
    const depth = (65_536 - before.length - 1) / 2;
    const nested = `${'['.repeat(Math.floor(depth))}${']'.repeat(Math.floor(depth))}`;
    expect(await answers(`${before}${nested}}`)).toMatchObject([{ type: 'sys.ack', ref: 'm' }]);
    expect(bob.frames.some((text) => text.includes(nested))).toBe(true);
    bob.inbox.length = 0;
    const long = `"${'x'.repeat(65_536 - before.length - 3)}"`;
    expect(await answers(`${before}${long}}`)).toMatchObject([{ type: 'sys.ack', ref: 'm' }]);
    expect(bob.inbox.splice(0)[0]?.data).toHaveLength(long.length - 2);
  });
});
