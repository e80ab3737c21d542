import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
const start = async (variables: Record<string, string> = {}): Promise<void> => {
  server = await startServer(variables);
};
afterEach(() => server.stop());

describe('messages that a client sends along with its handshake', () => {
  it('get their answers after the welcome', async () => {
    await start();
    const behind = envelopeFrame({ type: 'sys.ping', id: 'early' });
    const early = await RawClient.open(server.port, { behind });
    expect(early.id).toMatch(/\./);
    expect((await early.envelopeOf('sys.pong')).ref).toBe('early');
    early.socket.destroy();
  });

  it.each(['0', '40'])('arrive after the arrival notice of that session (NOTICE_WINDOW_MS=%s)', async (windowMs) => {
    await start({ NOTICE_WINDOW_MS: windowMs });
    const alice = await connect(server.url);
    const eager = Buffer.concat([
      envelopeFrame({ type: 'hi', receiver: alice.id }),
      envelopeFrame({ type: 'hi', receiver: '*' }),
      envelopeFrame({ type: 'hi', sender: 'x', receiver: alice.id }),
    ]);
    const crowd = await Promise.all([1, 2, 3, 4, 5].map(() => RawClient.open(server.port, { behind: eager })));
    for (let count = 0; count < 20; count++) await alice.next();
    const seen = alice.frames.slice(1).map((text) => JSON.parse(text) as { type: string; sender: string });
    for (const { id } of crowd) {
      const own = seen.filter(({ sender }) => sender === id).map(({ type }) => type);
      expect(own).toEqual(['sys.arrived', 'hi', 'hi', 'hi']);
    }
    for (const { socket } of crowd) socket.destroy();
  });
});
