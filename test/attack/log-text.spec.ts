import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

/** Clears a screen, turns the text round, and begins a line like those of the log. */
const HOSTILE = '\u001b[2J\u009b31m\u202eann\r\n2026-01-01T00:00:00.000Z info  forged';

@MessagingGateway()
class FailingGateway {
  @SubscribeMessage('fail')
  fail(@MessageBody() body: unknown): never {
    throw new Error(`cannot handle ${String(body)}`);
  }
}

@Module({ providers: [FailingGateway] })
class FailingModule {}

describe('the text log', () => {
  const lines = keepLogLines();

  it('prints no control characters that a client chooses, and no line of its own', async () => {
    const server = await startServer({ ...AUTH, LOG_LEVEL: 'debug', LOG_FORMAT: 'text' }, [FailingModule]);
    const client = await server.connect(bearer(await token({ sub: HOSTILE })));
    client.send({ type: 'fail', id: 'f', data: HOSTILE });
    expect(await client.answer('f')).toMatchObject({ data: { code: 'internal_error' } });
    await client.close(1000);
    await server.stop();
    const written = lines.join('');
    expect(written).toContain('forged');
    expect(written).not.toMatch(/[^\P{Cc}\n\t]|\p{Cf}/u);
    expect(written).not.toMatch(/^2026-01-01/m);
  });
});
