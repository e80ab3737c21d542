import { Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnswersGateway, SecondGateway } from '../support/answers.gateway.js';
import { connect, type Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { ERRORS } from '../../src/protocol/index.js';
import { startServer, type TestServer } from '../support/server.js';
import { BAD_THROWS, ThrowsGateway } from '../support/throws.gateway.js';

@Module({ providers: [AnswersGateway, SecondGateway, ThrowsGateway] })
class AnswersModule {}

interface FaultData {
  readonly code: string;
  readonly message: string;
  readonly incident?: string;
}

describe('a handler that fails', () => {
  let server: TestServer;
  let alice: Client;

  beforeAll(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', LOG_FORMAT: 'json' }, [AnswersModule]);
    alice = await connect(server.url);
    await alice.next('hook');
  });
  afterAll(() => server.stop());
  const lines = keepLogLines();

  /** Sends a message; returns its one `sys.error` and the values before it. */
  const fault = async (
    type: string,
    data?: unknown,
  ): Promise<{ values: unknown[]; fault: FaultData; text: string }> => {
    alice.send({ type, id: 'f', data });
    const values: unknown[] = [];
    for (;;) {
      const answer = await alice.next();
      if (answer.type !== 'sys.error') {
        values.push(answer.data);
        continue;
      }
      const text = alice.frames.at(-1)!;
      expect(answer).toMatchObject({ sender: 'server', receiver: alice.id, ref: 'f' });
      await alice.settled();
      expect(alice.inbox).toEqual([]);
      return { values, fault: answer.data as FaultData, text };
    }
  };

  it('because of a guard is forbidden, with the text of an exception that the guard throws', async () => {
    expect((await fault('a.guarded')).fault).toEqual({ code: 'forbidden', message: ERRORS.forbidden });
    expect((await fault('a.guard-throws')).fault).toEqual({ code: 'forbidden', message: 'members only' });
  });

  it.each([
    ['text', { code: 'refused', message: 'not today' }],
    ['code', { code: 'sold_out', message: 'none left' }],
    ['bad code', { code: 'refused', message: 'none left' }],
    ['no code', { code: 'refused', message: 'none left' }],
    ['bad request', { code: 'refused', message: 'row must be a number' }],
  ])('with an exception for clients (%s) passes its text on', async (kind, expected) => {
    expect((await fault('a.throw', { kind })).fault).toEqual(expected);
  });

  it.each(['error', 'type error', 'string', 'undefined', 'null'])(
    'with any other value (%s) is internal_error with only an incident id, and is logged',
    async (kind) => {
      const { fault: data, text } = await fault('a.throw', { kind, card: '4111-1111' });
      expect(Object.keys(data).toSorted()).toEqual(['code', 'incident', 'message']);
      expect(data.code).toBe('internal_error');
      expect(data.incident).toMatch(/./);
      expect(text).not.toMatch(/hunter2|password|4111|\.ts|node_modules| at /);
      const entries = lines.filter((line) => line.includes(data.incident!));
      expect(entries).toHaveLength(1);
      expect(entries[0]).not.toContain('4111');
    },
  );

  it.each(Object.entries(BAD_THROWS))(
    'by throwing %s is answered, and the next message is handled',
    async (kind, [code]) => {
      for (const type of ['t.throw', 't.stream']) {
        const { fault: data } = await fault(type, kind);
        expect(data).toMatchObject({ code, message: expect.stringMatching(/./) as string });
        if (code !== 'internal_error') continue;
        expect(lines.filter((line) => line.includes(data.incident!))).toHaveLength(1);
      }
      alice.send({ type: 't.well' });
      expect((await alice.next('t.well')).data).toBe('still here');
    },
  );

  it('twice has two incidents', async () => {
    const first = await fault('a.throw', { kind: 'error' });
    const second = await fault('a.throw', { kind: 'error' });
    expect(first.fault.incident).not.toBe(second.fault.incident);
  });

  it('because it cannot destructure the body is internal_error', async () => {
    expect((await fault('a.throw')).fault.code).toBe('internal_error');
    expect((await fault('a.observable', 5)).fault.code).toBe('internal_error');
  });

  it('with a value that is not JSON is internal_error, without an ack', async () => {
    expect(await fault('a.unserializable')).toMatchObject({ values: [], fault: { code: 'internal_error' } });
  });

  it('in the middle of an observable is answered once', async () => {
    expect(await fault('a.unserializable-stream')).toMatchObject({ values: [1], fault: { code: 'internal_error' } });
    expect(await fault('a.broken-stream')).toMatchObject({
      values: [1, 2],
      fault: { code: 'refused', message: 'the stream ended early' },
    });
  });

  it('runs its exception filters first', async () => {
    const answer = await fault('a.filtered');
    expect(answer.fault).toEqual({ code: 'rained_off', message: 'it rains' });
    expect(answer.text).not.toContain('internal text');
  });

  it.each([65, 4000, 30_000])('does not get a body nested %i deep: invalid_message, and no incident', async (depth) => {
    for (const type of ['a.dto', 'a.raw']) {
      const numbers = `${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`;
      alice.sendText(`{"type":"${type}","id":"deep","data":{"text":"]]\\"[","name":${numbers}}}`);
      const answer = await alice.next('sys.error');
      expect(answer).toMatchObject({ ref: 'deep', data: { code: 'invalid_message' } });
      expect((answer.data as FaultData).message).toBe('data is nested more than 64 levels deep');
    }
    await alice.settled();
    expect(alice.inbox).toEqual([]);
    expect(lines.filter((line) => line.includes('"error"'))).toEqual([]);
  });

  it('gets a body that is 64 deep, with brackets in its strings', async () => {
    const body = `${'['.repeat(64)}"${'[{'.repeat(100)}\\"${'['.repeat(100)}"${']'.repeat(64)}`;
    alice.sendText(`{"type":"a.raw","id":"64","data":${body}}`);
    expect((await alice.next('a.raw')).data).toEqual(JSON.parse(body));
    await alice.next('sys.ack');
  });
});
