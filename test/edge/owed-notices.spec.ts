import { afterEach, describe, expect, it } from 'vitest';
import { Drain } from '../../src/ops/shutdown/drain.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

/** Longer than the test, so that no notice leaves because the window ends. */
const WINDOW_MS = '10000';

describe('a session that ends while notices wait for their window', () => {
  let server: TestServer;
  let ann: Client;
  let bob: Client;
  let eve: Client;
  afterEach(() => server.stop());

  /** Three sessions, the last of which has left within the window. */
  async function start(): Promise<void> {
    server = await startServer({ NOTICE_WINDOW_MS: WINDOW_MS });
    ann = await connect(server.url);
    bob = await connect(server.url);
    eve = await connect(server.url);
    const closed = nextClosed();
    await eve.close(1000);
    await closed;
  }

  function nextClosed(): Promise<void> {
    return new Promise((resolve) =>
      server.app.get(SessionRegistry).addListener('hooks', { closed: () => resolve(undefined) }),
    );
  }

  function notices(client: Client): string[] {
    return client.inbox.map(({ type, sender }) => `${type} ${sender}`).filter((text) => /arrived|departed/.test(text));
  }

  it('gets every notice that is older than its end before the close frame of the server', async () => {
    await start();
    server.app.get(SessionRegistry).find(bob.id)!.close(4000);
    expect((await bob.closed).code).toBe(4000);
    expect(notices(bob)).toEqual([`sys.arrived ${eve.id}`, `sys.departed ${eve.id}`]);
  });

  it('gets them before the answer to its own close frame', async () => {
    await start();
    await bob.close(1000);
    expect(notices(bob)).toEqual([`sys.arrived ${eve.id}`, `sys.departed ${eve.id}`]);
  });

  it('gets them once, and the remaining sessions get its departure after them', async () => {
    await start();
    await bob.close(1000);
    server.app.get(SessionRegistry).find(ann.id)!.close(4000);
    await ann.closed;
    expect(notices(ann)).toEqual([
      `sys.arrived ${bob.id}`,
      `sys.arrived ${eve.id}`,
      `sys.departed ${eve.id}`,
      `sys.departed ${bob.id}`,
    ]);
  });

  it('gets them when the node drains, and no departure of a session that leaves at the same moment', async () => {
    await start();
    await server.app.get(Drain, { strict: false }).run();
    await Promise.all([ann.closed, bob.closed]);
    expect(notices(ann)).toEqual([`sys.arrived ${bob.id}`, `sys.arrived ${eve.id}`, `sys.departed ${eve.id}`]);
    expect(notices(bob)).toEqual([`sys.arrived ${eve.id}`, `sys.departed ${eve.id}`]);
  });
});
