import { describe, expect, it } from 'vitest';
import {
  CLOSE_CODES,
  closeReason,
  errorFrame,
  ERRORS,
  MessageError,
  rejectionBody,
  HANDSHAKE_REJECTIONS,
  type ErrorCode,
  type HandshakeRejectionCode,
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
