import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { Cluster } from '../support/cluster.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { freePorts } from '../support/ports.js';
import { Roamer } from '../support/roamer.js';
import type { TestServer } from '../support/server.js';

const SETTINGS = { ARRIVAL_NOTICES: 'off', AWAY_NOTICE_MS: '0' };

describe('a pass that reaches its node late', () => {
  let cluster: Cluster;
  let proxy: FaultProxy;
  let home: TestServer;
  let ann: Roamer;
  let late: Roamer;
  let refused: Promise<void>;

  beforeEach(async () => {
    const [port] = await freePorts();
    proxy = await FaultProxy.start(port!);
    cluster = await Cluster.start(1, SETTINGS);
    home = await cluster.add({ PORT: String(port), NODE_ADDRESS: `127.0.0.1:${proxy.port}` });
    await cluster.settled();
    [ann, late] = [new Roamer(), new Roamer()];
    await ann.open({ url: home.url });
    proxy.stall();
    const returning = late.open({ url: cluster.url(0) }, `resume.${ann.token}.0`);
    refused = expect(returning).rejects.toThrow('503');
    await expect.poll(() => proxy.connections, { interval: 5 }).toBe(1); // the node has given the pass
  });
  afterEach(async () => {
    for (const client of [ann, late]) client.close();
    await cluster.stop();
    await proxy.stop();
  });

  it('does not take the session from a later connection, whose client has sent nothing yet', async () => {
    const { id } = ann;
    await ann.return({ url: home.url });
    proxy.enable();
    await refused;
    expect([ann.id, home.app.get(SessionRegistry).find(id)?.state]).toEqual([id, 'open']);
    ann.send({ type: 'note', receiver: id, id: 'undisturbed' });
    expect((await ann.answer('undisturbed')).data).toEqual({ status: 'routed' });
  });
});
