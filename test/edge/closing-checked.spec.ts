import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { newRegistry, openSession } from '../support/sessions.js';

const INVALID_CODES: readonly unknown[] = [999, 0, -1, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN, '1000', null];
const LONG = 'r'.repeat(124);

describe('a close that the server cannot send', () => {
  let server: TestServer;
  let ann: Client;
  let bob: Client;
  let session: Session;

  beforeEach(async () => {
    server = await startServer();
    [ann, bob] = [await connect(server.url), await connect(server.url)];
    session = server.app.get(SessionRegistry).find(bob.id)!;
  });
  afterEach(() => server.stop());

  /** Everybody is still there: a message arrives, and no departure was sent. */
  async function expectOpen(): Promise<void> {
    ann.send({ type: 'still', receiver: bob.id, id: 's', data: 1 });
    expect((await ann.answer('s')).type).toBe('sys.ack');
    expect((await bob.next('still')).data).toBe(1);
    await ann.settled();
    expect(ann.inbox.filter(({ type }) => type === 'sys.departed')).toEqual([]);
    expect(session.closed).toBe(false);
  }

  it.each(INVALID_CODES)('throws for the code %s, and the session stays open and usable', async (code) => {
    const client = session.connection as GatewaySocket;
    const invalid = code as never;
    expect(() => client.close(invalid)).toThrow(RangeError);
    expect(() => session.close(invalid)).toThrow(RangeError);
    expect(() => server.app.get(Switchboard, { strict: false }).close(bob.id, invalid)).toThrow(RangeError);
    expect(() => server.app.get(Switchboard, { strict: false }).close('nobody', invalid)).toThrow(RangeError);
    await expectOpen();
  });

  it.each([
    ['a reason of 124 bytes', LONG],
    ['a reason of 123 characters and more bytes', `${'r'.repeat(122)}é`],
    ['a reason of bytes that is too long', Buffer.from(LONG)],
    ['a reason of bytes that are not UTF-8', Buffer.from([0xff, 0x80])],
    ['a reason that is a number', 7],
    ['a reason that is an object', { length: 3 }],
    ['a reason that is null', null],
  ])('throws for %s, and the session stays open and usable', async (_, reason) => {
    const client = session.connection as GatewaySocket;
    expect(() => client.close(4000, reason as never)).toThrow(/reason of a close frame/);
    await expectOpen();
  });

  it.each([undefined, null, 7, {}, [1], new ArrayBuffer(3), Symbol('s')])(
    'sends nothing for data that is not text (%s)',
    async (data) => {
      const client = session.connection as GatewaySocket;
      expect(() => client.send(data as never)).toThrow(TypeError);
      await expectOpen();
      expect(bob.frames.every((text) => text.startsWith('{'))).toBe(true);
    },
  );

  it('is possible afterwards, with the code and the reason of the handler', async () => {
    const client = session.connection as GatewaySocket;
    expect(() => client.close(999)).toThrow(RangeError);
    client.close(4321, 'r'.repeat(123));
    expect(await bob.closed).toEqual({ code: 4321, reason: 'r'.repeat(123) });
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code: 4321 } });
  });

  it('does not end a session that has no connection', () => {
    const registry = newRegistry();
    const { session: detached } = openSession(registry);
    detached.detach();
    expect(() => detached.close(999 as never)).toThrow(RangeError);
    expect(() => detached.close(undefined as never)).toThrow(RangeError);
    expect(registry.find(detached.id)).toBe(detached);
  });
});
