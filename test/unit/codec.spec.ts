import { describe, expect, it } from 'vitest';
import { decode, MessageError, stampedFrame } from '../../src/protocol/index.js';

const SENDER = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

/** Returns the error that a text is refused with. */
function refused(text: string): Pick<MessageError, 'code' | 'message' | 'ref'> {
  try {
    decode(text);
  } catch (error) {
    if (error instanceof MessageError) return { code: error.code, message: error.message, ...ref(error) };
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

function ref(messageError: MessageError): { ref?: string } {
  return messageError.ref === undefined ? {} : { ref: messageError.ref };
}

/** Returns the payload of the stamped frame of a message. */
function stamped(text: string): string {
  const frame = stampedFrame(SENDER, decode(text));
  return frame.toString('utf8', frame[1]! < 126 ? 2 : frame[1] === 126 ? 4 : 10);
}

describe('decode', () => {
  it('reads every field, with the raw text of data', () => {
    expect(decode('{"type":"a.B-c_d:1","receiver":"r","id":"i","data":{"z":1.50,"a":[ ]}}')).toMatchObject({
      type: 'a.B-c_d:1',
      receiver: 'r',
      id: 'i',
      data: '{"z":1.50,"a":[ ]}',
    });
    expect(decode('{"type":"x"}')).toMatchObject({ receiver: undefined, id: undefined, data: undefined });
    expect(decode('{"type":"x","data":null}').data).toBe('null');
  });

  it.each([
    ['"#garden"', '#garden'],
    ['"@ann"', '@ann'],
    ['"\\u0040ann"', '@ann'],
    ['"#gar\\u0064en"', '#garden'],
    ['"@zoë"', '@zoë'],
    ['"@zo\\u00eb"', '@zoë'],
    ['"@it\\"s"', '@it"s'],
    [`"@${'\u{1f600}'.repeat(127)}"`, `@${'\u{1f600}'.repeat(127)}`],
  ])('reads the receiver %s', (receiver, expected) => {
    expect(decode(`{"type":"x","receiver":${receiver}}`).receiver).toBe(expected);
    expect(stamped(`{"type":"x","receiver":${receiver}}`)).toContain(`"receiver":${receiver}}`);
  });

  it.each(['', ' ', 'x', '1', 'null', '"x"', '[]', '[{"type":"x"}]', '{', '{"type":"x"}}', '\ufeff{}', "{'type':1}"])(
    'refuses %j as malformed_json',
    (text) => {
      expect(refused(text)).toEqual({ code: 'malformed_json', message: 'The frame is not a JSON object.' });
    },
  );

  it.each([
    ['{}', 'type must be a string'],
    ['{"type":1}', 'type must be a string'],
    ['{"type":null}', 'type must be a string'],
    ['{"type":["x"]}', 'type must be a string'],
    ['{"type":""}', 'type must be 1 to 64 characters of A-Z a-z 0-9 . _ : -'],
    ['{"type":"a b"}', 'type must be 1 to 64 characters of A-Z a-z 0-9 . _ : -'],
    ['{"type":"é"}', 'type must be 1 to 64 characters of A-Z a-z 0-9 . _ : -'],
    ['{"type":"x\\n"}', 'type must be 1 to 64 characters of A-Z a-z 0-9 . _ : -'],
    [`{"type":"${'t'.repeat(65)}"}`, 'type must be 1 to 64 characters of A-Z a-z 0-9 . _ : -'],
    ['{"type":"x","receiver":1}', 'receiver must be a string'],
    ['{"type":"x","receiver":null}', 'receiver must be a string'],
    ['{"type":"x","receiver":""}', 'receiver must be 1 to 128 characters'],
    [`{"type":"x","receiver":"${'r'.repeat(129)}"}`, 'receiver must be 1 to 128 characters'],
    ['{"type":"x","id":1}', 'id must be a string'],
    ['{"type":"x","id":null}', 'id must be a string'],
    ['{"type":"x","id":""}', 'id must be 1 to 64 characters'],
    [`{"type":"x","id":"${'i'.repeat(65)}"}`, 'id must be 1 to 64 characters'],
    ['{"type":"x","ref":"r"}', "ref is the server's: a client must not write it"],
    ['{"type":"x","to":"r"}', '"to" is not a field of the envelope'],
    ['{"type":"x","Type":"y"}', '"Type" is not a field of the envelope'],
    ['{"type":"x","":1}', '"" is not a field of the envelope'],
    ['{"type":"x","__proto__":{}}', '"__proto__" is not a field of the envelope'],
    ['{"__proto__":{"type":"x"}}', '"__proto__" is not a field of the envelope'],
    ['{"type":"x","type":"y"}', 'type comes twice'],
    ['{"type":"x","\\u0074ype":"y"}', 'type comes twice'],
    ['{"type":"x","data":1,"data":1}', 'data comes twice'],
    ['{"type":"x","receiver":"a","receiver":"a"}', 'receiver comes twice'],
    ['{"type":"x","id":"a","id":"a"}', 'id comes twice'],
  ])('refuses %s as invalid_message and names the field', (text, message) => {
    expect(refused(text)).toEqual({ code: 'invalid_message', message });
  });

  it('shortens an unknown key of any length', () => {
    expect(refused(`{"type":"x","${'k'.repeat(5000)}":1}`).message).toBe(
      `"${'k'.repeat(64)}…" is not a field of the envelope`,
    );
  });

  it.each(['{"id":"i"}', '{"type":7,"id":"i"}', '{"type":"x","id":"i","ref":"r"}', '{"nope":1,"id":"i","nope":2}'])(
    'answers %s with its id as ref',
    (text) => {
      expect(refused(text)).toMatchObject({ code: 'invalid_message', ref: 'i' });
    },
  );

  it.each(['{"id":""}', '{"id":7}', `{"id":"${'i'.repeat(65)}"}`, '{"id":"i","id":"i"}', '{"id":"a","\\u0069d":"b"}'])(
    'answers %s, which has no valid id, without a ref',
    (text) => {
      expect(refused(text)).not.toHaveProperty('ref');
    },
  );

  it('counts characters beyond the basic plane as one', () => {
    const smile = '\u{1f600}';
    expect(decode(`{"type":"x","id":"${smile.repeat(64)}"}`).id).toBe(smile.repeat(64));
    expect(refused(`{"type":"x","id":"${smile.repeat(65)}"}`).message).toContain('id');
    const selector = `a${'\ufe0f'.repeat(64)}`;
    expect(refused(`{"type":"x","id":"${selector}"}`).message).toContain('id');
  });
});

describe('stampedFrame', () => {
  it.each([
    ['{"type":"x","receiver":"r"}', `{"sender":"${SENDER}","type":"x","receiver":"r"}`],
    [' {\n"type" : "x" } ', `{"sender":"${SENDER}",\n"type" : "x" } `],
    ['{"sender":"me","type":"x"}', `{"sender":"${SENDER}","type":"x"}`],
    ['{"type":"x","sender":"server","data":1}', `{"sender":"${SENDER}","type":"x","data":1}`],
    ['{"type":"x","sender":{"a":[1,2]},"sender":null}', `{"sender":"${SENDER}","type":"x"}`],
    ['{"type":"x","\\u0073ender":"me","data":2}', `{"sender":"${SENDER}","type":"x","data":2}`],
    ['{"type":"x","data":{"sender":"kept"}}', `{"sender":"${SENDER}","type":"x","data":{"sender":"kept"}}`],
  ])('puts the sender in front of %s and removes any other', (text, expected) => {
    const bare = stamped(text);
    expect(JSON.parse(bare)).toEqual(JSON.parse(expected));
    expect(bare.replaceAll(/\s/g, '')).toBe(expected.replaceAll(/\s/g, ''));
  });

  it.each([
    '12345678901234567890.123456789e-400',
    '{"b":1,"a":2,"b":3}',
    '"\\u0041\\ud800\\/ \u2028 é \u{1f600}"',
    '[ 1 ,\t-0 , 1E5 ]',
    '""',
  ])('carries data %s unchanged', (data) => {
    expect(stamped(`{"type":"x","data":${data}}`)).toContain(`"data":${data}}`);
    expect(stamped(`{"sender":"me","data":${data},"type":"x"}`)).toContain(`"data":${data},`);
  });
});
