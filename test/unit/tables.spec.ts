import { describe, expect, it } from 'vitest';
import {
  CLOSE_CODES,
  closeReason,
  errorFrame,
  ERRORS,
  gapFrame,
  isDeliverable,
  joinedFrame,
  leftFrame,
  membersFrame,
  MessageError,
  presenceFrame,
  rejectionBody,
  HANDSHAKE_REJECTIONS,
  roomFrame,
  SERVER_MESSAGES,
  SYSTEM_REQUESTS,
  userAckFrame,
  type ErrorCode,
  type Frame,
  type HandshakeRejectionCode,
  type SystemRequestType,
} from '../../src/protocol/index.js';
import { textsOf } from '../support/sessions.js';

describe('the table of errors', () => {
  it.each(Object.entries(ERRORS))('has a code and a sentence for %s', (code, sentence) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(MessageError.of(code as ErrorCode, 'r', { retryAfterMs: 5 })).toMatchObject({
      code,
      message: sentence,
      ref: 'r',
      details: { retryAfterMs: 5 },
    });
  });

  it('encodes sys.error with its details, and without ref where the id is unknown', () => {
    const text = (ref: string | undefined): string =>
      textsOf(errorFrame('me', 'rate_limited', 'Slow "down".', ref, { retryAfterMs: 9 }))[0]!;
    const data = { code: 'rate_limited', message: 'Slow "down".', retryAfterMs: 9 };
    expect(JSON.parse(text(undefined))).toEqual({ type: 'sys.error', sender: 'server', receiver: 'me', data });
    expect(JSON.parse(text('"\\'))).toMatchObject({ ref: '"\\', data });
  });
});

describe('the table of close codes', () => {
  it.each(Object.entries(CLOSE_CODES))('has a reason for %s that fits in a close frame', (code, { reason }) => {
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(closeReason(Number(code))).toBe(reason);
  });

  it.each(Object.entries(CLOSE_CODES).filter(([code]) => Number(code) >= 4000))(
    'has %s in the range of its advice',
    (code, { advice }) => {
      expect(advice === 'stop').toBe(Number(code) < 4100);
    },
  );

  it.each([undefined, 1005, 1006, 3000, 4999])('has no reason for %s', (code) => {
    expect(closeReason(code)).toBe('');
  });
});

describe('the table of handshake rejections', () => {
  it.each(Object.entries(HANDSHAKE_REJECTIONS))('has a status and a body for %s', (code, { status, text }) => {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse(rejectionBody(code as HandshakeRejectionCode))).toEqual({ error: { code, message: text } });
    expect(JSON.parse(rejectionBody(code as HandshakeRejectionCode, 'because'))).toEqual({
      error: { code, message: 'because' },
    });
  });
});

const ME = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';
const OTHER = 'kCgk0l3w.9bXr3Tq7Lm2Vh0Ys';
const KINDS: Readonly<Record<string, string>> = { '#': 'room', '@': 'user' };

describe('the messages about users and rooms', () => {
  it.each<[string, Frame, object]>([
    ['a member that joined', joinedFrame(OTHER, 'garden'), { type: 'sys.joined', sender: OTHER, data: {} }],
    ['the user of a member', joinedFrame(OTHER, 'garden', 'zoë "z"'), { data: { user: 'zoë "z"' } }],
    ['a member that left', leftFrame(OTHER, 'garden'), { type: 'sys.left', sender: OTHER, data: {} }],
    ['a member that ended', leftFrame(OTHER, 'garden', 1006), { data: { code: 1006 } }],
    ['a large room', roomFrame('garden', 1204), { type: 'sys.room', sender: 'server', data: { total: 1204 } }],
  ])('encode %s for the members of the room', (_, frame, expected) => {
    const [text] = textsOf(frame);
    expect(JSON.parse(text!)).toMatchObject({ receiver: '#garden', ...expected });
    expect(isDeliverable(text!)).toBe(true);
  });

  it.each<[string, Frame, object]>([
    [
      'a page of members',
      membersFrame(ME, 'r', { room: 'garden', sessions: [OTHER], total: 1 }),
      { type: 'sys.members', ref: 'r', data: { room: 'garden', sessions: [OTHER], total: 1 } },
    ],
    [
      'presence',
      presenceFrame(ME, undefined, { user: 'zoë', online: true, sessions: 2 }),
      { type: 'sys.presence', data: { user: 'zoë', online: true, sessions: 2 } },
    ],
    ['a gap', gapFrame(ME, { messages: 3, notices: 0 }), { type: 'sys.gap', data: { messages: 3, notices: 0 } }],
    [
      'the acknowledgement of a message to a user',
      userAckFrame(ME, '"r"', 3),
      { type: 'sys.ack', ref: '"r"', data: { status: 'routed', sessions: 3 } },
    ],
  ])('encode %s for one session', (_, frame, expected) => {
    const [text] = textsOf(frame);
    expect(JSON.parse(text!)).toEqual({ sender: 'server', receiver: ME, ...expected });
    expect(isDeliverable(text!)).toBe(true);
  });
});

describe('the table of requests', () => {
  it.each(Object.entries<SystemRequestType>(SYSTEM_REQUESTS))(
    'has answers, and an example for each receiver, for %s',
    (type, { answers, examples, receiver }) => {
      expect(type).toMatch(/^sys\.[a-z]+$/);
      for (const answer of answers) expect(Object.keys(SERVER_MESSAGES)).toContain(answer);
      const kinds = examples.map(({ receiver: example = '' }) => KINDS[example.charAt(0)] ?? 'none');
      expect(kinds.toSorted()).toEqual(receiver.split(/, | or /).toSorted());
    },
  );
});
